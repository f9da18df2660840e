/**
 * One connection for messages, opened again and again.
 *
 * ioredis's own reconnection says `ready` before its channels are subscribed again,
 * and says nothing when that fails; in a Cluster it may stay silent for ever. So
 * here every connection is a new one: connect, SUBSCRIBE everything, await the
 * answer, and only then tell that messages may have been missed. A PING goes out
 * from time to time, for a half-open connection looks like one without messages.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Random } from '../../base/random.js'
import { disconnect, reconnectDelayMs } from './client-options.js'
import { withinDeadline } from './deadline.js'

/** Must not throw. */
export type MessageListener = (message: string) => void

export interface SubscriberOptions {
  /** Makes a connection that does not reconnect by itself; it is not connected yet. */
  readonly open: () => Redis
  readonly commandTimeoutMs: number
  /** A connection that says nothing for about twice as long is dead, in ms. Default 2 000. */
  readonly pingEveryMs?: number
  readonly random: Random
  /** Told why a connection could not be made or was lost. */
  readonly onProblem: (error: unknown) => void
}

interface Channel {
  readonly listeners: Set<{ readonly listener: MessageListener }>
  /** Settles with the answer to SUBSCRIBE. */
  acknowledged: Promise<unknown>
}

export class Subscriber {
  readonly #options: SubscriberOptions
  readonly #pingEveryMs: number
  readonly #channels = new Map<string, Channel>()
  readonly #gapListeners = new Set<{ readonly listener: () => void }>()
  readonly #closing = new AbortController()
  #connection: Redis | undefined
  #running: Promise<void> | undefined

  constructor(options: SubscriberOptions) {
    this.#options = options
    this.#pingEveryMs = options.pingEveryMs ?? DEFAULT_PING_MS
  }

  /** Resolves when the first connection works; tries until then. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#running ??= this.#keepConnected(resolve)
    })
  }

  /** Resolves when the server has it. @throws what ioredis throws, also when there is no connection at the moment */
  async subscribe(channel: string, listener: MessageListener): Promise<() => void> {
    let entry = this.#channels.get(channel)
    if (!entry) {
      entry = { listeners: new Set(), acknowledged: this.#subscribe([channel]) }
      this.#channels.set(channel, entry)
    }
    const holder = { listener }
    entry.listeners.add(holder)
    try {
      await entry.acknowledged
    } catch (error) {
      if (this.#channels.get(channel) === entry) this.#channels.delete(channel)
      throw error
    }
    return () => this.#unsubscribe(channel, entry, holder)
  }

  /** Subscribes now or, without a connection, with the next one. For those that have nobody to tell of a failure. */
  keep(channel: string, listener: MessageListener): void {
    this.#channels.set(channel, { listeners: new Set([{ listener }]), acknowledged: Promise.resolve() })
    if (this.#connection) this.#subscribe([channel]).catch(this.#options.onProblem)
  }

  /** Calls `listener` each time when a connection works again, after a lost one. */
  onGap(listener: () => void): () => void {
    const holder = { listener }
    this.#gapListeners.add(holder)
    return () => {
      this.#gapListeners.delete(holder)
    }
  }

  /** Leaves the present server and looks for the right one anew. */
  reconnect(): void {
    this.#connection?.disconnect()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#connection?.disconnect()
    await this.#running
  }

  async #keepConnected(started: () => void): Promise<void> {
    let failures = 0
    let lost = false
    while (!this.#closing.signal.aborted) {
      await this.#useConnection(() => {
        failures = 0
        started()
        if (lost) for (const { listener } of this.#gapListeners) listener()
        lost = true
      })
      failures++
      await pause(reconnectDelayMs(failures, this.#options.random), this.#closing.signal)
    }
  }

  /** The life of one connection, to its end. */
  async #useConnection(onUp: () => void): Promise<void> {
    const connection = this.#options.open()
    const ended = new AbortController()
    let reason: unknown
    connection.on('error', (error) => { reason = error })
    connection.on('message', (channel: string, message: string) => this.#deliver(channel, message))
    connection.once('end', () => ended.abort())
    this.#connection = connection
    try {
      await connection.connect()
      await this.#subscribe([...this.#channels.keys()])
      onUp()
      await this.#watch(connection, ended.signal)
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#options.onProblem(reason ?? error)
    } finally {
      this.#connection = undefined
      await disconnect(connection)
    }
  }

  /** Ends by throwing, as soon as the connection ends or a PING is not answered. */
  async #watch(connection: Redis, ended: AbortSignal): Promise<never> {
    for (;;) {
      if (!await pause(this.#pingEveryMs, ended)) throw new Error('Connection is closed.')
      await withinDeadline(connection.ping(), Math.max(this.#pingEveryMs / 2, this.#options.commandTimeoutMs), () => 'Cannot use the connection for messages as it answers a PING: no answer')
    }
  }

  async #subscribe(channels: readonly string[]): Promise<void> {
    if (!this.#connection) throw new Error('Connection is closed.')
    if (channels.length === 0) return
    await withinDeadline(this.#connection.subscribe(...channels), this.#options.commandTimeoutMs, () => `Cannot subscribe to "${channels.join(' ')}" as Redis answers within ${this.#options.commandTimeoutMs} ms: no answer`)
  }

  #unsubscribe(channel: string, entry: Channel, holder: { readonly listener: MessageListener }): void {
    entry.listeners.delete(holder)
    if (entry.listeners.size > 0 || this.#channels.get(channel) !== entry) return
    this.#channels.delete(channel)
    this.#connection?.unsubscribe(channel).catch(ignore)
  }

  #deliver(channel: string, message: string): void {
    for (const { listener } of this.#channels.get(channel)?.listeners ?? []) listener(message)
  }
}

const DEFAULT_PING_MS = 2_000

/** False: the signal came first. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, undefined, { signal })
    return true
  } catch {
    return false
  }
}

function ignore(): void {
  // A channel that is no longer wanted: the next connection does not ask for it.
}
