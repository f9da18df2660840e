/**
 * The life of the client that commands go through: connected, verified, lost,
 * connected again. Whoever it leads to is verified before the gate opens; while that
 * fails it is tried again, and no lease is granted.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Cluster, Redis } from 'ioredis'
import { codeOf } from '../../base/errors.js'
import type { Random } from '../../base/random.js'
import { disconnect, reconnectDelayMs, type RedisClient } from './client-options.js'
import type { ConnectionLog } from './connection-log.js'
import { isFatal, reasonOf } from './server-errors.js'

export interface MainConnectionOptions {
  readonly client: RedisClient
  /** Verifies what the client leads to now. */
  readonly verify: () => Promise<void>
  /** The connection is lost. */
  readonly onClose: () => void
  readonly log: ConnectionLog
  readonly random: Random
}

export class MainConnection {
  readonly #options: MainConnectionOptions
  #reason: unknown
  #verified = false
  #verifying: { readonly ended: AbortController; readonly done: Promise<void> } | undefined
  #started: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined

  constructor(options: MainConnectionOptions) {
    this.#options = options
  }

  /** Connects, and goes on trying. Rejects, with what the server or ioredis said, when no later attempt can succeed. */
  start(): Promise<void> {
    const { client } = this.#options
    client.on('ready', () => this.#onReady())
    client.on('close', () => this.#onClose())
    client.on('error', (error: Error) => this.#onError(error))
    if (client.isCluster) connectNodesEarly(client as Cluster)
    return new Promise((resolve, reject) => {
      this.#started = { resolve, reject }
      client.connect().catch((error: unknown) => { this.#reason ??= error })
    })
  }

  /** It is up, and the server behind it was verified. */
  get connected(): boolean {
    return this.#verified && this.#options.client.status === 'ready'
  }

  /** Why it is not connected, as far as is known. */
  get reason(): string {
    return this.#reason === undefined ? 'no answer' : reasonOf(this.#reason)
  }

  async close(): Promise<void> {
    this.#started = undefined
    // What ends because it was asked to is not told of.
    this.#verified = false
    this.#verifying?.ended.abort()
    await disconnect(this.#options.client)
    await this.#verifying?.done
  }

  #onReady(): void {
    const ended = new AbortController()
    this.#verifying = { ended, done: this.#verify(ended.signal) }
  }

  #onClose(): void {
    this.#verifying?.ended.abort()
    this.#options.onClose()
    if (this.#verified) this.#options.log.warn('coordination.disconnected', { reason: this.reason })
    this.#verified = false
  }

  #onError(error: Error): void {
    // A Cluster says "all failed"; the last of its nodes says why.
    this.#reason = 'lastNodeError' in error && error.lastNodeError ? error.lastNodeError : error
    if (isFatal(this.#reason)) this.#started?.reject(this.#reason)
    this.#options.log.warn('coordination.connection_failed', { reason: this.reason })
  }

  async #verify(ended: AbortSignal): Promise<void> {
    for (let attempt = 1; !ended.aborted; attempt++) {
      try {
        await this.#options.verify()
        if (ended.aborted) return
        this.#verified = true
        this.#reason = undefined
        this.#started?.resolve()
        this.#options.log.info('coordination.connected')
        return
      } catch (error) {
        if (ended.aborted) return
        this.#reason = error
        if (FINAL_CODES.includes(codeOf(error))) this.#started?.reject(error)
        this.#options.log.warn('coordination.not_verified', { reason: this.reason })
        await delay(reconnectDelayMs(attempt, this.#options.random), undefined, { signal: ended }).catch(ignore)
      }
    }
  }
}

const FINAL_CODES: readonly (string | undefined)[] = ['COORDINATION_REFUSED', 'COORDINATION_UNSAFE']

/**
 * ioredis connects to a node of a Cluster with the first command for it, and keeps
 * that command, whatever it was told, in the node's queue: it could run long after
 * its deadline. A node that is connecting takes none.
 */
function connectNodesEarly(cluster: Cluster): void {
  const connect = (node: Redis): void => {
    if (cluster.status === 'ready' && node.status === 'wait' && node.options.readOnly !== true) node.connect().catch(ignore)
  }
  cluster.on('ready', () => cluster.nodes('master').forEach(connect))
  cluster.on('+node', connect)
}

function ignore(): void {
  // A node that cannot be reached says so to the commands that need it; an aborted pause is over.
}
