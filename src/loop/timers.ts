import { systemClock, type Clock } from '../base/clock.js'
import { messageOf } from '../base/errors.js'
import type { Logger } from '../log/logger.js'
import { BackOffLoopingCall, type BackOffStart } from './back-off.js'
import { DynamicLoopingCall, type DynamicDelay, type DynamicStart } from './dynamic.js'
import { LoopError } from './errors.js'
import { FixedIntervalLoopingCall, type FixedIntervalStart } from './fixed-interval.js'
import type { LoopFunction, LoopingCall, LoopingCallOptions } from './looping-call.js'

export interface TimersOptions {
  /** All timers stop when it aborts. */
  readonly signal: AbortSignal
  /** Told of failures (`timer.failed`) and of missed starts (`timer.missed`). */
  readonly log: Logger
  /** Default: the monotonic clock of the system. */
  readonly clock?: Clock
  /** Told when a call begins; what it gives back, when that has ended. */
  readonly observe?: (name: string) => () => void
}

/** As for a looping call of its own, but `stopOnException` is false by default. */
export type TimerOptions = FixedIntervalStart

/** A looping call of any kind. */
export type Timer = FixedIntervalLoopingCall | DynamicLoopingCall | BackOffLoopingCall

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
  readonly #observe: TimersOptions['observe']
  readonly #calls = new Map<string, Timer>()
  #stopped = false

  constructor({ signal, log, clock = systemClock, observe }: TimersOptions) {
    this.#signal = signal
    this.#log = log
    this.#clock = clock
    this.#observe = observe
    if (signal.aborted) this.#stopped = true
    else signal.addEventListener('abort', () => void this.stop(), { once: true })
  }

  /** Those that run now. */
  get running(): readonly Timer[] {
    return [...this.#calls.values()].filter((call) => call.running)
  }

  /** The timer that was added last under `name`. */
  get(name: string): Timer | undefined {
    return this.#calls.get(name)
  }

  /**
   * Starts to call `fn` every `intervalMs`.
   *
   * @throws LOOPING_CALL_RUNS when a timer of this name runs; TIMERS_STOPPED after the drain has begun; RangeError for a bad interval
   */
  add(name: string, fn: LoopFunction, options: TimerOptions): FixedIntervalLoopingCall {
    return this.#start(name, new FixedIntervalLoopingCall(this.#observed(name, fn), this.#optionsOf(name)), options)
  }

  /** Starts to call `fn`, which gives back when to be called next, in ms. @throws as `add` */
  addDynamic(name: string, fn: LoopFunction<DynamicDelay>, options: DynamicStart = {}): DynamicLoopingCall {
    return this.#start(name, new DynamicLoopingCall(this.#observed(name, fn), this.#optionsOf(name)), options)
  }

  /** Starts to call `fn`, which gives back whether it succeeded. Ends, with `timer.failed`, when it has failed for `timeoutMs`. @throws as `add` */
  addBackOff(name: string, fn: LoopFunction, options: BackOffStart = {}): BackOffLoopingCall {
    return this.#start(name, new BackOffLoopingCall(this.#observed(name, fn), this.#optionsOf(name)), options)
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

  #start<Call extends Timer & LoopingCall<Start>, Start extends object>(name: string, call: Call, options: Start): Call {
    if (this.#stopped) {
      throw new LoopError('TIMERS_STOPPED', `Cannot add the timer "${name}" as the timers have been stopped`, { cause: this.#signal.reason })
    }
    if (this.#calls.get(name)?.running) throw new LoopError('LOOPING_CALL_RUNS', `Cannot add the timer "${name}" as one of this name runs`)
    call.start({ stopOnException: false, ...options })
    this.#calls.set(name, call)
    return call
  }

  #observed<Result>(name: string, fn: LoopFunction<Result>): LoopFunction<Result> {
    const observe = this.#observe
    if (!observe) return fn
    return async (signal) => {
      const ended = observe(name)
      try {
        return await fn(signal)
      } finally {
        ended()
      }
    }
  }

  #optionsOf(name: string): LoopingCallOptions {
    return {
      name,
      clock: this.#clock,
      onError: (error) => this.#log.error(`timer "${name}" failed: ${messageOf(error)}`, { event: 'timer.failed', timer: name, error }),
      onMissed: (missed) => this.#log.warn(`timer "${name}" took too long and missed ${missed} of its starts`, { event: 'timer.missed', timer: name, missed }),
    }
  }

  async #withinDeadline(ended: Promise<unknown>, deadlineMs: number): Promise<void> {
    const waited = new AbortController()
    const deadline = this.#clock.sleep(deadlineMs, waited.signal).catch(() => {})
    await Promise.race([ended, deadline])
    waited.abort()
  }
}
