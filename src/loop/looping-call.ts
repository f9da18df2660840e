import { systemClock, type Clock } from '../base/clock.js'
import { hasCode } from '../base/errors.js'
import { LoopError } from './errors.js'
import { isAbort } from './is-abort.js'
import { isLoopingCallDone } from './looping-call-done.js'
import { waitUntil } from './wait-until.js'

/** What is called. `signal` aborts when the loop is told to stop. */
export type LoopFunction<Result = unknown> = (signal: AbortSignal) => Result | Promise<Result>

export interface LoopingCallOptions {
  /** For messages. Default: the name of the function. */
  readonly name?: string
  /** Told of each exception, and of what else ended the loop. Without it, one that nobody waits for is an unhandled rejection. */
  readonly onError?: (error: unknown) => void
  /** Told once for each call that overran, with the number of starts it missed. */
  readonly onMissed?: (missed: number) => void
  /** Default: the monotonic clock of the system. */
  readonly clock?: Clock
}

/** The end of a started loop: await it, or ask for the promise with `wait()`. */
export interface LoopingCallRun extends PromiseLike<unknown> {
  /** Resolves to the value of `LoopingCallDone`, to true after `stop()`; rejects with what ended the loop. */
  wait(): Promise<unknown>
}

/** How one call ended. */
export type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown }

/** When a started loop calls: what tells one kind of looping call from another. Times are `Clock.now()` ms. */
export interface Pace {
  readonly first: number
  readonly stopOnException: boolean
  /** At this time the loop ends with LOOP_TIMEOUT, also in the middle of a call, whose signal aborts, or of a wait. Default: never. */
  readonly deadline?: number
  /** Refuses what the function gave back; the call then counts as failed. */
  accept?(value: unknown): void
  /** The start of the next call, and how many starts were dropped before it. @throws what ends the loop */
  next(outcome: Outcome): { readonly at: number; readonly missed?: number }
}

/** A loop that was started, and may have ended. */
interface Run {
  readonly stopping: AbortController
  readonly ended: Promise<unknown>
}

/**
 * What all looping calls have in common: one call at a time, started, stopped and
 * waited for. `LoopingCallDone`, thrown by the function, ends any of them with a value.
 * Time is the monotonic clock's: a jump of the wall clock changes nothing.
 */
export abstract class LoopingCall<Start> {
  readonly name: string
  protected readonly clock: Clock
  readonly #fn: LoopFunction
  readonly #options: LoopingCallOptions
  #run: Run | undefined
  #running = false
  #calling = false
  #runs = 0
  #missed = 0
  #nextAt: number | undefined
  #lastError: unknown
  #lastDurationMs: number | undefined

  constructor(fn: LoopFunction, options: LoopingCallOptions = {}) {
    this.name = options.name ?? (fn.name || 'anonymous')
    this.clock = options.clock ?? systemClock
    this.#fn = fn
    this.#options = options
  }

  /** True from `start()` until the loop has ended. */
  get running(): boolean {
    return this.#running
  }

  /** True while the function runs. */
  get calling(): boolean {
    return this.#calling
  }

  /** Calls that have ended since `start()`, with or without an exception. */
  get runs(): number {
    return this.#runs
  }

  /** Starts that were dropped since `start()`, as a call took too long or the event loop was held. */
  get missed(): number {
    return this.#missed
  }

  /** How long until the next call, in ms; undefined during a call and after the end. */
  get nextInMs(): number | undefined {
    return this.#nextAt === undefined ? undefined : Math.max(0, this.#nextAt - this.clock.now())
  }

  /** What the last failed call threw; undefined when none has failed. */
  get lastError(): unknown {
    return this.#lastError
  }

  /** How long the last call took, in ms; undefined before the first has ended. */
  get lastDurationMs(): number | undefined {
    return this.#lastDurationMs
  }

  /**
   * Starts the loop; after its end, starts it anew, with the counters at 0.
   *
   * @throws RangeError for intervals and delays that cannot be; LOOPING_CALL_RUNS
   */
  start(options: Start): LoopingCallRun {
    const pace = this.pace(options)
    if (this.#running) throw new LoopError('LOOPING_CALL_RUNS', `Cannot start the looping call "${this.name}" as it already runs`)
    const stopping = new AbortController()
    this.#running = true
    this.#runs = 0
    this.#missed = 0
    this.#lastError = undefined
    this.#lastDurationMs = undefined
    const ended = this.#loopWithin(pace, stopping).finally(() => { this.#running = false })
    if (this.#options.onError) ended.catch(() => {})
    this.#run = { stopping, ended }
    return { wait: () => ended, then: (resolved, rejected) => ended.then(resolved, rejected) }
  }

  /**
   * The end of the loop that was started last; see `LoopingCallRun`.
   *
   * @throws LOOPING_CALL_NOT_STARTED
   */
  async wait(): Promise<unknown> {
    if (!this.#run) throw new LoopError('LOOPING_CALL_NOT_STARTED', `Cannot wait for the looping call "${this.name}" as it was never started`)
    return await this.#run.ended
  }

  /**
   * Ends the loop: no further call begins. A call in progress gets the aborted signal,
   * with `reason`, and is let run to its end, for which this waits; its result is dropped.
   * Any number of times. To end the loop from within its function throw `LoopingCallDone`:
   * waiting there for `stop()` would be waiting for oneself.
   */
  async stop(reason?: unknown): Promise<void> {
    if (!this.#run) return
    this.#run.stopping.abort(reason)
    // A failure is told to those who wait for the loop, and to onError.
    await this.#run.ended.catch(() => {})
  }

  /** @throws RangeError */
  protected abstract pace(options: Start): Pace

  async #loopWithin(pace: Pace, stopping: AbortController): Promise<unknown> {
    const ended = new AbortController()
    if (pace.deadline !== undefined) void this.#expire(pace.deadline, stopping, ended.signal)
    try {
      const value = await this.#loop(pace, stopping.signal)
      if (hasCode(stopping.signal.reason, 'LOOP_TIMEOUT')) this.#end(stopping.signal.reason)
      return value
    } finally {
      this.#nextAt = undefined
      ended.abort()
    }
  }

  async #loop(pace: Pace, signal: AbortSignal): Promise<unknown> {
    this.#nextAt = pace.first
    while (await waitUntil(this.#nextAt, this.clock, signal)) {
      this.#nextAt = undefined
      const outcome = await this.#call(pace, signal)
      if (signal.aborted) break
      if (!outcome.ok && isLoopingCallDone(outcome.error)) return outcome.error.value
      if (!outcome.ok && pace.stopOnException) throw outcome.error
      this.#nextAt = this.#advance(pace, outcome)
    }
    return true
  }

  async #call(pace: Pace, signal: AbortSignal): Promise<Outcome> {
    const startedAt = this.clock.now()
    this.#calling = true
    try {
      const value = await this.#fn(signal)
      if (!signal.aborted) pace.accept?.(value)
      return { ok: true, value }
    } catch (error) {
      const isOrderly = isLoopingCallDone(error) || isAbort(error, signal)
      if (!isOrderly) this.#fail(error)
      return { ok: false, error }
    } finally {
      this.#calling = false
      this.#runs++
      this.#lastDurationMs = this.clock.now() - startedAt
    }
  }

  #advance(pace: Pace, outcome: Outcome): number {
    try {
      const { at, missed = 0 } = pace.next(outcome)
      this.#missed += missed
      if (missed > 0) this.#options.onMissed?.(missed)
      return at
    } catch (error) {
      return this.#end(error)
    }
  }

  async #expire(deadline: number, stopping: AbortController, ended: AbortSignal): Promise<void> {
    const startedAt = this.clock.now()
    if (await waitUntil(deadline, this.clock, ended)) stopping.abort(loopTimeout(this.name, this.clock.now() - startedAt))
  }

  #end(error: unknown): never {
    this.#fail(error)
    throw error
  }

  #fail(error: unknown): void {
    this.#lastError = error
    this.#options.onError?.(error)
  }
}

export function loopTimeout(name: string, elapsedMs: number): LoopError {
  return new LoopError('LOOP_TIMEOUT', `Cannot go on with the looping call "${name}" as its time is over: ${Math.round(elapsedMs)} ms`, { details: { name, elapsedMs } })
}

/** @throws RangeError unless `value` is finite and `least` or more; above 0 for `above 0` */
export function checkMs(name: string, option: string, value: number, least: 0 | 'above 0' = 0): void {
  if (Number.isFinite(value) && (least === 0 ? value >= 0 : value > 0)) return
  throw new RangeError(`Cannot start the looping call "${name}" as ${option} must be finite and ${least === 0 ? 'not below 0' : least}: ${String(value)}`)
}
