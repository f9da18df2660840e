import { LoopError } from './errors.js'
import { LoopingCall, checkMs, type LoopFunction, type LoopingCallOptions, type Pace } from './looping-call.js'

/** What the function gives back: how long to sleep, in ms; nothing for `periodicIntervalMaxMs`. */
export type DynamicDelay = number | null | undefined | void

export interface DynamicStart {
  /** Before the first call, in ms. Default 0. */
  readonly initialDelayMs?: number
  /** The longest sleep, and the sleep when the function gives back none, in ms. Default: none. */
  readonly periodicIntervalMaxMs?: number
  /** The shortest sleep, in ms, whatever the function gives back: a 0 is no busy loop. Above 0. Default 10. */
  readonly minIntervalMs?: number
  /** The sleep after an exception that does not end the loop, in ms; `periodicIntervalMaxMs` if that is less. Default 1 000. */
  readonly errorIntervalMs?: number
  /** Whether an exception ends the loop. Default true. */
  readonly stopOnException?: boolean
}

const MIN_INTERVAL_MS = 10
const ERROR_INTERVAL_MS = 1_000

/**
 * Calls a function that says itself when it wants to be called next: it gives back
 * how long to sleep from its end, in ms.
 *
 * A function that gives back nothing where there is no `periodicIntervalMaxMs`, or
 * something that is no number, has failed, with LOOP_DELAY_INVALID. Neither a 0 nor
 * an exception makes a busy loop: see `minIntervalMs` and `errorIntervalMs`.
 *
 * @see oslo.service loopingcall.py, DynamicLoopingCall
 */
export class DynamicLoopingCall extends LoopingCall<DynamicStart> {
  /** Only to narrow what the function may give back. */
  constructor(fn: LoopFunction<DynamicDelay>, options?: LoopingCallOptions) {
    super(fn, options)
  }

  protected pace(options: DynamicStart): Pace {
    const { initialDelayMs = 0, periodicIntervalMaxMs: maxMs, minIntervalMs = MIN_INTERVAL_MS, errorIntervalMs = ERROR_INTERVAL_MS, stopOnException = true } = options
    checkMs(this.name, 'initialDelayMs', initialDelayMs)
    checkMs(this.name, 'minIntervalMs', minIntervalMs, 'above 0')
    checkMs(this.name, 'errorIntervalMs', errorIntervalMs)
    if (maxMs !== undefined) checkMs(this.name, 'periodicIntervalMaxMs', maxMs, 'above 0')
    return {
      first: this.clock.now() + initialDelayMs,
      stopOnException,
      accept: (value) => checkDelay(this.name, value, maxMs),
      next: (outcome) => {
        const wantedMs = outcome.ok ? (typeof outcome.value === 'number' ? outcome.value : Infinity) : errorIntervalMs
        return { at: this.clock.now() + Math.max(minIntervalMs, Math.min(wantedMs, maxMs ?? Infinity)) }
      },
    }
  }
}

/** @throws LOOP_DELAY_INVALID */
function checkDelay(name: string, value: unknown, maxMs: number | undefined): void {
  if (value === undefined || value === null) {
    if (maxMs !== undefined) return
    throw new LoopError('LOOP_DELAY_INVALID', `Cannot sleep in the looping call "${name}" as its function gives back ms, or periodicIntervalMaxMs is given: ${String(value)}`)
  }
  if (typeof value === 'number' && (Number.isFinite(value) || (value > 0 && maxMs !== undefined))) return
  throw new LoopError('LOOP_DELAY_INVALID', `Cannot sleep in the looping call "${name}" as its function gives back a finite number of ms: ${typeof value === 'number' ? value : typeof value}`)
}
