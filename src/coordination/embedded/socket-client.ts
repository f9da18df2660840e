import { setTimeout as delay } from 'node:timers/promises'
import net from 'node:net'
import { CodedError, codeOf, messageOf } from '../../base/errors.js'
import type { CoordinationLog } from '../contract.js'
import { ChannelStore } from './channel-client.js'
import { EmbeddedStore } from './embedded-store.js'
import { LineChannel } from './line-channel.js'
import { checkSocketPath, socketIdentity } from './socket-path.js'
import { MAX_REQUEST_BYTES, serveSocket, type SocketServer } from './socket-server.js'

export interface SharedStoreOptions {
  readonly log: CoordinationLog
  /** Who this is, for log lines. */
  readonly clientName: string
  /** The longest lease, and how long a successor of a dead server grants nothing, in ms. The same for all who share it. */
  readonly maxTtlMs: number
  /** Whether this process serves the store when nobody else does. */
  readonly mayServe: boolean
  /** Default 1 000. */
  readonly commandTimeoutMs?: number
}

/**
 * The driver `embedded:/PATH.sock`: a store that the processes of this host share.
 * Whoever finds nobody serving it does so itself; when that process dies, one of the
 * others takes its place and grants nothing for `maxTtlMs`. Leases end with the
 * process that holds them, and a closed connection is taken for its death.
 *
 * Not guaranteed: that the store can be asked while the process that serves it
 * stands still.
 *
 * @throws CodedError COORDINATION_URL_INVALID; COORDINATION_UNAVAILABLE when it cannot be reached within `commandTimeoutMs`
 */
export async function openSharedStore(path: string, options: SharedStoreOptions): Promise<ChannelStore> {
  checkSocketPath(path)
  const store = new SharedStore(path, options)
  await store.open()
  return store
}

class SharedStore extends ChannelStore {
  readonly #path: string
  readonly #options: SharedStoreOptions
  readonly #commandTimeoutMs: number
  readonly #stop = new AbortController()
  #server: SocketServer | undefined
  /** A server that may have given leases which still count, should it be gone. */
  #knewServer = false
  #keeping: Promise<void> = Promise.resolve()

  constructor(path: string, options: SharedStoreOptions) {
    const { commandTimeoutMs = COMMAND_TIMEOUT_MS } = options
    super(undefined, { url: `embedded:${path}`, commandTimeoutMs })
    this.#path = path
    this.#options = options
    this.#commandTimeoutMs = commandTimeoutMs
    this.onFarewell(() => { this.#knewServer = false })
  }

  async open(): Promise<void> {
    const end = performance.now() + this.#commandTimeoutMs
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
      try {
        await this.#connect()
        return
      } catch (error) {
        if (performance.now() + pauseMs > end) {
          await this.close()
          throw error
        }
        await this.#pause(pauseMs)
      }
    }
  }

  override async close(): Promise<void> {
    this.#stop.abort()
    await super.close()
    await this.#keeping
    // A connection that was being made meanwhile.
    await super.close()
    await this.#server?.close()
  }

  /** Until `close`, in the background. */
  async #reconnect(): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !this.#stop.signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        await this.#connect()
        this.#options.log.info('the coordination store can be reached again', { path: this.#path })
        return
      } catch (error) {
        if (pauseMs === LONGEST_PAUSE_MS) this.#options.log.warn(`the coordination store is away: ${messageOf(error)}`)
        await this.#pause(pauseMs)
      }
    }
  }

  /** One attempt, by way of serving if need be. */
  async #connect(): Promise<void> {
    for (let attempt = 0; attempt < MAX_RACES; attempt++) {
      const found = socketIdentity(this.#path)
      const socket = await this.#open()
      if (socket) return await this.#greet(socket)
      await this.#serve(found)
    }
    throw this.#away('somebody else keeps replacing it')
  }

  /** Undefined: nobody serves, and this process may. */
  async #open(): Promise<net.Socket | undefined> {
    try {
      return await connectTo(this.#path, this.#commandTimeoutMs)
    } catch (error) {
      const isNobody = ['ENOENT', 'ECONNREFUSED'].includes(codeOf(error) ?? '')
      if (isNobody && this.#options.mayServe && !this.#stop.signal.aborted) return undefined
      throw this.#away(messageOf(error))
    }
  }

  async #serve(dead: string | undefined): Promise<void> {
    if (dead?.startsWith('other')) throw this.#away('there is a file that is no socket')
    const { maxTtlMs, log, clientName } = this.#options
    await this.#abdicate()
    const quarantineMs = dead !== undefined || this.#knewServer ? maxTtlMs : 0
    this.#server = await serveSocket(this.#path, {
      store: new EmbeddedStore({ quarantineMs, maxTtlMs }),
      replaces: dead,
      onDeposed: () => void this.#abdicate(),
    })
    if (this.#server) log.info(`${clientName} serves the coordination store`, { path: this.#path, quarantineMs })
  }

  /** The path may lead to another server than the one of this process. */
  async #greet(socket: net.Socket): Promise<void> {
    const channel = new LineChannel(socket, { maxLineBytes: MAX_ANSWER_BYTES, maxSentBytes: MAX_REQUEST_BYTES })
    try {
      const { store } = await this.attach(channel)
      if (this.#server && this.#server.store.id !== store) await this.#abdicate()
      if (socket.destroyed) throw this.#away('the connection was closed again')
    } catch (error) {
      socket.destroy()
      throw error
    }
    this.#knewServer = true
    socket.once('close', () => this.#lost())
  }

  #lost(): void {
    if (!this.#stop.signal.aborted) this.#keeping = this.#keeping.then(() => this.#reconnect())
  }

  async #abdicate(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    await server?.close()
  }

  /** Not at the same moment as the others. */
  async #pause(ms: number): Promise<void> {
    await delay(ms * (0.5 + Math.random()), undefined, { signal: this.#stop.signal }).catch(() => {})
  }

  #away(rule: string): CodedError {
    return new CodedError('COORDINATION_UNAVAILABLE', `Cannot reach the coordination store at "${this.#path}" as somebody must serve it: ${rule}`, { details: { path: this.#path } })
  }
}

function connectTo(path: string, timeoutMs: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(path)
    const late = setTimeout(() => socket.destroy(new Error(`no connection within ${timeoutMs} ms`)), timeoutMs)
    socket.once('error', (error) => { clearTimeout(late); reject(error) })
    socket.once('connect', () => { clearTimeout(late); resolve(socket) })
  })
}

const COMMAND_TIMEOUT_MS = 1_000
const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 1_000
/** How often one attempt begins again because somebody else was faster. */
const MAX_RACES = 10
/** A snapshot of everything may be long. */
const MAX_ANSWER_BYTES = 64 * 1_048_576
