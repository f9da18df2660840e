import { systemClock, type Clock } from '../base/clock.js'
import { messageOf } from '../base/errors.js'
import type { Logger } from '../log/logger.js'
import { LoopError } from './errors.js'
import { FixedIntervalLoopingCall, type FixedIntervalStart, type LoopFunction } from './fixed-interval.js'

export interface TimersOptions {
  /** All timers stop when it aborts. */
  readonly signal: AbortSignal
  /** Told of failures (`timer.failed`) and of missed starts (`timer.missed`). */
  readonly log: Logger
  /** Default: the monotonic clock of the system. */
  readonly clock?: Clock
}

/** As for a looping call of its own, but `stopOnException` is false by default. */
export type TimerOptions = FixedIntervalStart

/**
 * The looping calls of a service, by name.
 *
 * An exception is logged and does not end its timer, unless `stopOnException` is
 * given: one failure must not silently end what a service relies on. They all stop
 * when the drain begins; a call in progress gets the aborted signal and runs to its end.
 */
export class Timers {
  readonly #signal: AbortSignal
  readonly #log: Logger
  readonly #clock: Clock
  readonly #calls = new Map<string, FixedIntervalLoopingCall>()
  #stopped = false

  constructor({ signal, log, clock = systemClock }: TimersOptions) {
    this.#signal = signal
    this.#log = log
    this.#clock = clock
    if (signal.aborted) this.#stopped = true
    else signal.addEventListener('abort', () => void this.stop(), { once: true })
  }

  /** Those that run now. */
  get running(): readonly FixedIntervalLoopingCall[] {
    return [...this.#calls.values()].filter((call) => call.running)
  }

  /** The timer that was added last under `name`. */
  get(name: string): FixedIntervalLoopingCall | undefined {
    return this.#calls.get(name)
  }

  /**
   * Starts to call `fn` every `intervalMs`.
   *
   * @throws LOOPING_CALL_RUNS when a timer of this name runs; TIMERS_STOPPED after the drain has begun; RangeError for a bad interval
   */
  add(name: string, fn: LoopFunction, options: TimerOptions): FixedIntervalLoopingCall {
    if (this.#stopped) {
      throw new LoopError('TIMERS_STOPPED', `Cannot add the timer "${name}" as the timers have been stopped`, { cause: this.#signal.reason })
    }
    if (this.#calls.get(name)?.running) throw new LoopError('LOOPING_CALL_RUNS', `Cannot add the timer "${name}" as one of this name runs`)
    const call = new FixedIntervalLoopingCall(fn, {
      name,
      clock: this.#clock,
      onError: (error) => this.#log.error(`timer "${name}" failed: ${messageOf(error)}`, { event: 'timer.failed', timer: name, error }),
      onMissed: (missed) => this.#log.warn(`timer "${name}" took too long and missed ${missed} of its starts`, { event: 'timer.missed', timer: name, missed }),
    })
    call.start({ stopOnException: false, ...options })
    this.#calls.set(name, call)
    return call
  }

  /**
   * Stops all timers at once, and waits for the calls in progress, up to `deadlineMs`
   * (from now; default: without end). Gives back the names of those that have not ended.
   */
  async stop(deadlineMs = Number.POSITIVE_INFINITY): Promise<readonly string[]> {
    this.#stopped = true
    const ended = Promise.all(this.running.map((call) => call.stop()))
    if (deadlineMs === Number.POSITIVE_INFINITY) await ended
    else await this.#withinDeadline(ended, deadlineMs)
    return this.running.map((call) => call.name)
  }

  async #withinDeadline(ended: Promise<unknown>, deadlineMs: number): Promise<void> {
    const waited = new AbortController()
    const deadline = this.#clock.sleep(deadlineMs, waited.signal).catch(() => {})
    await Promise.race([ended, deadline])
    waited.abort()
  }
}
