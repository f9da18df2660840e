import { AsyncLocalStorage } from 'node:async_hooks'
import { isAbortOf } from './on-abort.js'
import { PendingOutcome, type Outcome } from './outcome.js'

/** A task that was started in a pool: its result, and the way to stop it. */
export interface Task<Result> extends Outcome<Result> {
  /** Default: the name of its function. */
  readonly name: string
  /** Aborts when the task or its pool is aborted. A task that rejects with its reason has ended as asked, and is no failure. */
  readonly signal: AbortSignal
  abort(reason?: unknown): void
}

/** A task as its pool sees it. */
export class PoolTask<Result> extends PendingOutcome<Result> implements Task<Result> {
  readonly name: string
  readonly pool: object
  readonly startedAt: number
  /** Spawns of its own that wait for room in its own pool. */
  waits = 0
  #controller: AbortController | undefined

  constructor(name: string, pool: object, startedAt: number) {
    super()
    this.name = name
    this.pool = pool
    this.startedAt = startedAt
  }

  /** Made when it is first asked for: a controller costs more than all the rest of a task. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  abort(reason?: unknown): void {
    if (this.settled) return
    this.#controller ??= new AbortController()
    this.#controller.abort(reason)
  }

  /** True when `error` is what the task was told to end with. */
  isAbort(error: unknown): boolean {
    return this.#controller !== undefined && isAbortOf(this.#controller.signal, error)
  }
}

/** The task in which the code runs: it follows calls, promises and timers. One for all pools. */
export const currentTask = new AsyncLocalStorage<PoolTask<unknown>>()
