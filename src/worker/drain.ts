import { messageOf } from '../base/errors.js'
import type { Logger } from '../log/logger.js'
import type { Timers } from '../loop/timers.js'
import type { TaskPool } from '../queue/task-pool.js'
import type { Servers } from './servers.js'
import type { Tasks } from './tasks.js'

export interface DrainParts {
  readonly servers: Servers
  readonly tasks: Tasks
  /** Undefined when the service has never asked for it. */
  readonly pool: TaskPool | undefined
  /** Undefined when the service has never asked for any. */
  readonly timers: Timers | undefined
  readonly log: Logger
  /** `stop` of the service; undefined when it has none or never started. */
  readonly stopService: (() => Promise<void> | void) | undefined
  /** Idle keep-alive connections live on for so long; null: as their server says. */
  readonly keepAliveGraceMs: number | null
  /** From the beginning of the drain to SIGKILL; 0: for ever. */
  readonly timeoutMs: number
}

/** So long before the SIGKILL, in ms, the worker says what would not end; a quarter of the time if that is less: it may have to load winston first. */
const LAST_WORDS_MS = 1_000

/**
 * Finishes what is in flight: servers stop accepting and answer what they have,
 * the service stops, then tracked tasks and calls of timers end. Servers learn
 * first, so that a service which closes them in its `stop` closes them gently.
 *
 * Shortly before the deadline what is left is named in the log, tasks are
 * aborted, and connections that no protocol ends (upgraded ones) are cut; if
 * that was all, the drain is a clean one.
 */
export class Drain {
  readonly #parts: DrainParts
  #lastWords: NodeJS.Timeout | undefined
  #stopPending = false
  #stopError: unknown

  constructor(parts: DrainParts) {
    this.#parts = parts
    const { timeoutMs } = parts
    if (timeoutMs > 0) this.extend(timeoutMs)
  }

  /** The SIGKILL comes `ms` from now. */
  extend(ms: number): void {
    clearTimeout(this.#lastWords)
    this.#lastWords = setTimeout(() => this.#sayLastWords(), ms - Math.min(LAST_WORDS_MS, ms / 4))
  }

  /** Resolves when nothing is left; with false when `stop` of the service has failed. */
  async run(): Promise<boolean> {
    const { servers, tasks, pool, timers, log, keepAliveGraceMs } = this.#parts
    await Promise.all([servers.drain(keepAliveGraceMs), this.#stopService()])
    // Not before: a request in flight may still begin a task.
    await Promise.all([tasks.settled(), pool?.waitAll(), timers?.stop()])
    clearTimeout(this.#lastWords)
    const error = this.#stopError
    if (error !== undefined) log.error(`the service could not stop: ${messageOf(error)}`, { event: 'worker.stop_failed', error })
    return error === undefined
  }

  async #stopService(): Promise<void> {
    this.#stopPending = true
    try {
      await this.#parts.stopService?.()
    } catch (error) {
      this.#stopError = error ?? new Error('stop() of the service failed without a reason')
    }
    this.#stopPending = false
  }

  #sayLastWords(): void {
    const { servers, tasks, pool, timers, log } = this.#parts
    const unfinished = [
      ...servers.unfinished(),
      ...tasks.unfinished(),
      ...(pool && pool.running > 0 ? [`${pool.running} tasks of the pool`] : []),
      ...(timers?.running ?? []).map(({ name }) => `timer ${name}`),
      ...(this.#stopPending ? ['stop() of the service'] : []),
    ]
    log.error(`would not end: ${unfinished.join(', ')}`, { event: 'worker.unfinished', unfinished })
    tasks.abort()
    servers.destroyUpgraded()
  }
}
