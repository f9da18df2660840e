import type { Config, ConfigChange } from '../config/config.js'
import type { Coordinator } from '../coordination/contract.js'
import type { ListenTarget } from '../ipc/listen-target.js'
import type { Logger } from '../log/logger.js'
import type { Timers } from '../loop/timers.js'
import type { TaskPool } from '../queue/task-pool.js'

/** What a service module gives the worker: three verbs, called in this order, each at most once at a time. */
export interface Service {
  /** Resolves when the service can serve: only then is the worker ready. Bounded by `boot_timeout`. */
  start(): Promise<void> | void
  /** Finish what is in flight; start nothing new. Bounded by `graceful_shutdown_timeout`, after which the worker is killed. */
  stop?(): Promise<void> | void
  /** Options marked mutable have changed. Old and new values are typed; secrets are masked in what is logged. */
  reset?(changes: readonly ConfigChange[]): Promise<void> | void
}

/** What a worker hands to its service. Its members are made when first used. */
export interface ServiceContext {
  /** The service's name: `--name`, or the module's base name. */
  readonly name: string
  /** The stable name of this host: option `host`. */
  readonly host: string
  /** The slot, 0…n-1: the same after a respawn and after a reload. */
  readonly workerId: number
  /** How many slots the service had when this worker started. */
  readonly workers: number
  /** Grows with each reload; the first is 1. */
  readonly generation: number
  readonly config: Config
  /** winston underneath; carries service, workerId, pid and the async context's fields. */
  readonly log: Logger
  /**
   * Locks, leaders, groups: by the option `coordination_url`. Its member id is
   * `HOST/SERVICE/SLOT`. It connects when it is first used; a worker that uses it in `start` is ready
   * when it is connected and what was asked for, awaited or not, is held or queued for.
   * The worker stops it after the drain; what is released from SIGTERM on goes first
   * to the next worker of the slot, where that waits for it.
   */
  readonly coordinator: Coordinator
  /** Aborts when stopping begins. */
  readonly signal: AbortSignal
  /** Looping calls of this service: `timers.add('scrub', fn, { intervalMs })`. They stop when the drain begins. */
  readonly timers: Timers
  /**
   * A pool of cooperative tasks of the size `max_concurrent`: `server = http.createServer(limit(context.pool)(handler))`
   * puts the requests through it (`limit` is in `reeve/queue`). A drain ends when it is empty.
   */
  readonly pool: TaskPool
  /** Sockets that the launcher owns, by name: `server.listen(context.sockets.http)`. No entry for a name that was not given. */
  readonly sockets: Readonly<Record<string, ListenTarget>>
  /** Asks for more time to start or to stop: `ms` from now. */
  extendTimeout(ms: number): void
  /**
   * Runs `work` as a tracked task: a drain waits for it, and names it in the log
   * if it will not end. `work` gets a signal that aborts when `deadlineMs` (counted
   * from the call) has passed; without a deadline, when the worker is about to be killed.
   */
  track<T>(name: string, work: (signal: AbortSignal) => Promise<T>, options?: TrackOptions): Promise<T>
}

export interface TrackOptions {
  /** From the call to the abort of the task's signal, in ms. Default: none. */
  readonly deadlineMs?: number
}

/** Makes a service. May be async; what it throws is a failed boot. */
export type ServiceFactory = (context: ServiceContext) => Service | Promise<Service>

/** A class constructed with the context. */
export type ServiceClass = new (context: ServiceContext) => Service

/**
 * The identity, with types: `export default defineService((context) => ({ start() { … } }))`.
 */
export function defineService(factory: ServiceFactory): ServiceFactory {
  return factory
}
