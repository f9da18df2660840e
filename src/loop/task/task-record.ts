import { isAbort } from '../is-abort.js'
import { isLoopingCallDone } from '../looping-call-done.js'

/** What became of a task's runs in this process. Durations are ms of the monotonic clock. */
export interface RunStatus {
  /** Runs that have ended: `successes + failures + aborted`. */
  readonly runs: number
  readonly successes: number
  readonly failures: number
  /** Ended by the stop, or by the loss of the leadership or shard. */
  readonly aborted: number
  /** Starts that were due and were dropped. */
  readonly skipped: number
  /** Runs now in progress. */
  readonly running: number
  /** By the wall clock. */
  readonly lastStart: Date | undefined
  readonly lastDurationMs: number | undefined
  /** How long ago the last run ended. */
  readonly lastEndMs: number | undefined
  readonly lastError: unknown
  /** What the last run that succeeded gave back. */
  readonly lastResult: unknown
}

/** Keeps the account of a task's runs. */
export class TaskRecord {
  readonly #now: () => number
  #successes = 0
  #failures = 0
  #aborted = 0
  #skipped = 0
  #running = 0
  #lastStart: Date | undefined
  #lastDurationMs: number | undefined
  #lastEndAt: number | undefined
  #lastError: unknown
  #lastResult: unknown

  constructor(now: () => number) {
    this.#now = now
  }

  get running(): number {
    return this.#running
  }

  skip(starts: number): void {
    this.#skipped += starts
  }

  /**
   * Accounts for a run: what it gives back or throws is kept, and not passed on, but for
   * `LoopingCallDone`, a success. `failed` is told of a failure.
   */
  async account(run: () => Promise<unknown>, signal: AbortSignal, failed: (error: unknown) => void): Promise<void> {
    const startedAt = this.#now()
    this.#running++
    this.#lastStart = new Date()
    try {
      this.#succeed(await run())
    } catch (error) {
      if (isLoopingCallDone(error)) {
        this.#succeed(error.value)
        throw error
      }
      if (isAbort(error, signal)) this.#aborted++
      else this.#fail(error, failed)
    } finally {
      this.#running--
      this.#lastEndAt = this.#now()
      this.#lastDurationMs = this.#lastEndAt - startedAt
    }
  }

  status(): RunStatus {
    return {
      runs: this.#successes + this.#failures + this.#aborted,
      successes: this.#successes,
      failures: this.#failures,
      aborted: this.#aborted,
      skipped: this.#skipped,
      running: this.#running,
      lastStart: this.#lastStart,
      lastDurationMs: this.#lastDurationMs,
      lastEndMs: this.#lastEndAt === undefined ? undefined : this.#now() - this.#lastEndAt,
      lastError: this.#lastError,
      lastResult: this.#lastResult,
    }
  }

  #succeed(result: unknown): void {
    this.#successes++
    this.#lastResult = result
  }

  #fail(error: unknown, failed: (error: unknown) => void): void {
    this.#failures++
    this.#lastError = error
    failed(error)
  }
}
