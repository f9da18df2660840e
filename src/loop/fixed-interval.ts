import { systemClock, type Clock } from '../base/clock.js'
import { LoopError } from './errors.js'
import { isLoopingCallDone } from './looping-call-done.js'
import { waitUntil } from './wait-until.js'

/** What is called. `signal` aborts when the loop is told to stop. */
export type LoopFunction = (signal: AbortSignal) => unknown

export interface LoopingCallOptions {
  /** For messages. Default: the name of the function. */
  readonly name?: string
  /** Told of each exception. Without it, one that nobody waits for is an unhandled rejection. */
  readonly onError?: (error: unknown) => void
  /** Told once for each call that overran, with the number of starts it missed. */
  readonly onMissed?: (missed: number) => void
  /** Default: the monotonic clock of the system. */
  readonly clock?: Clock
}

export interface FixedIntervalStart {
  /** From start to start, in ms; above 0. */
  readonly intervalMs: number
  /** Before the first call, in ms. Default 0: at once, but never within `start()`. */
  readonly initialDelayMs?: number
  /** Whether an exception ends the loop. If not, the next call is at the next point of the grid. Default true. */
  readonly stopOnException?: boolean
}

/** The end of a started loop: await it, or ask for the promise with `wait()`. */
export interface LoopingCallRun extends PromiseLike<unknown> {
  /** Resolves to the value of `LoopingCallDone`, to true after `stop()`; rejects with what ended the loop. */
  wait(): Promise<unknown>
}

/** A loop that was started, and not ended yet. */
interface Run {
  readonly stopping: AbortController
  readonly ended: Promise<unknown>
}

/**
 * Calls a function every `intervalMs`, one call at a time.
 *
 * Starts keep to the grid `first + n * intervalMs` of the monotonic clock: never
 * before their point, and without drift, however long the calls take and wherever
 * the wall clock jumps. A call that overruns does not make the next ones bunch up:
 * the starts that it missed are dropped and counted.
 *
 * Not guaranteed: a start in time, when something else holds the event loop.
 *
 * ```ts
 * const beat = new FixedIntervalLoopingCall(() => report(), { name: 'report', onError: (error) => log.error('no report', { error }) })
 * beat.start({ intervalMs: 10_000 })
 * …
 * await beat.stop()
 * ```
 */
export class FixedIntervalLoopingCall {
  readonly name: string
  readonly #fn: LoopFunction
  readonly #options: LoopingCallOptions
  readonly #clock: Clock
  #run: Run | undefined
  #running = false
  #calling = false
  #runs = 0
  #missed = 0
  #lastError: unknown
  #lastDurationMs: number | undefined

  constructor(fn: LoopFunction, options: LoopingCallOptions = {}) {
    this.name = options.name ?? (fn.name || 'anonymous')
    this.#fn = fn
    this.#options = options
    this.#clock = options.clock ?? systemClock
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
   * @throws RangeError for an interval that is not above 0 and finite, or a delay below 0; LOOPING_CALL_RUNS
   */
  start(options: FixedIntervalStart): LoopingCallRun {
    const settings = resolveStart(this.name, options)
    if (this.#running) throw new LoopError('LOOPING_CALL_RUNS', `Cannot start the looping call "${this.name}" as it already runs`)
    const stopping = new AbortController()
    this.#running = true
    this.#runs = 0
    this.#missed = 0
    this.#lastError = undefined
    this.#lastDurationMs = undefined
    const ended = this.#loop(settings, stopping.signal).finally(() => { this.#running = false })
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
   * Ends the loop: no further call begins. A call in progress gets the aborted signal
   * and is let run to its end, for which this waits; its result is dropped. Any number
   * of times. To end the loop from within its function throw `LoopingCallDone`: waiting
   * there for `stop()` would be waiting for oneself.
   */
  async stop(): Promise<void> {
    if (!this.#run) return
    this.#run.stopping.abort()
    // A failure is told to those who wait for the loop, and to onError.
    await this.#run.ended.catch(() => {})
  }

  async #loop({ intervalMs, initialDelayMs, stopOnException }: Required<FixedIntervalStart>, signal: AbortSignal): Promise<unknown> {
    const first = this.#clock.now() + initialDelayMs
    let point = 0
    while (await waitUntil(first + point * intervalMs, this.#clock, signal)) {
      const outcome = await this.#call(signal)
      if (signal.aborted) break
      if (outcome && isLoopingCallDone(outcome.error)) return outcome.error.value
      if (outcome && stopOnException) throw outcome.error
      const next = Math.max(point + 1, Math.ceil((this.#clock.now() - first) / intervalMs))
      this.#miss(next - point - 1)
      point = next
    }
    return true
  }

  /** What the function threw, if it did. */
  async #call(signal: AbortSignal): Promise<{ readonly error: unknown } | undefined> {
    const startedAt = this.#clock.now()
    this.#calling = true
    try {
      await this.#fn(signal)
      return undefined
    } catch (error) {
      const isOrderly = isLoopingCallDone(error) || (signal.aborted && isAbort(error, signal))
      if (!isOrderly) this.#fail(error)
      return { error }
    } finally {
      this.#calling = false
      this.#runs++
      this.#lastDurationMs = this.#clock.now() - startedAt
    }
  }

  #fail(error: unknown): void {
    this.#lastError = error
    this.#options.onError?.(error)
  }

  #miss(starts: number): void {
    if (starts === 0) return
    this.#missed += starts
    this.#options.onMissed?.(starts)
  }
}

/** True for what a call throws because it was told to stop. */
function isAbort(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError')
}

function resolveStart(name: string, { intervalMs, initialDelayMs = 0, stopOnException = true }: FixedIntervalStart): Required<FixedIntervalStart> {
  if (!(intervalMs > 0 && Number.isFinite(intervalMs))) {
    throw new RangeError(`Cannot start the looping call "${name}" as intervalMs must be finite and above 0: ${intervalMs}`)
  }
  if (!(initialDelayMs >= 0 && Number.isFinite(initialDelayMs))) {
    throw new RangeError(`Cannot start the looping call "${name}" as initialDelayMs must be finite and not below 0: ${initialDelayMs}`)
  }
  return { intervalMs, initialDelayMs, stopOnException }
}
