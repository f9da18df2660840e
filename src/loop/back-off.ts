import { systemRandom, type Random } from '../base/random.js'
import { LoopingCall, checkMs, loopTimeout, type LoopFunction, type LoopingCallOptions, type Pace } from './looping-call.js'

export interface BackOffStart {
  /** Before the first call, in ms. Default 0. */
  readonly initialDelayMs?: number
  /** The interval after a success, before jitter, in ms; above 0. Default 1 000. */
  readonly startingIntervalMs?: number
  /** The longest pause after a failure, in ms. Default 300 000. */
  readonly maxIntervalMs?: number
  /** The shortest pause of all, in ms; above 0. Default 1. */
  readonly minIntervalMs?: number
  /** The most that the pauses since the last success may come to, in ms; past it the loop ends with LOOP_TIMEOUT. 0: no limit. Default 300 000. */
  readonly timeoutMs?: number
  /** The mean of the factor by which pauses vary; its standard deviation is 0.1. Default 0.75. */
  readonly jitter?: number
  /** Whether an exception ends the loop; if not, it counts as a failure. Default true. */
  readonly stopOnException?: boolean
}

export interface BackOffOptions extends LoopingCallOptions {
  /** Default: the system's. */
  readonly random?: Random
}

const DEVIATION = 0.1

/**
 * Calls a function that says whether it succeeded: after a success (true, or anything
 * that is true as a condition) the pause is the starting interval again, after each
 * failure it is `2 * jitter` times as long, 1.5 by default. Pauses count from the end
 * of a call, and vary by a normally distributed factor, so that many that failed
 * together do not come back together.
 *
 * @see oslo.service loopingcall.py, BackOffLoopingCall
 */
export class BackOffLoopingCall extends LoopingCall<BackOffStart> {
  readonly #random: Random

  constructor(fn: LoopFunction, { random = systemRandom, ...options }: BackOffOptions = {}) {
    super(fn, options)
    this.#random = random
  }

  protected pace(options: BackOffStart): Pace {
    const settings = resolveStart(this.name, options)
    const { initialDelayMs, startingIntervalMs, minIntervalMs, timeoutMs, jitter, stopOnException } = settings
    let intervalMs = startingIntervalMs
    let failingMs = 0
    const fail = (factor: number): number => {
      const pauseMs = Math.min(Math.max(intervalMs * 2 * factor, minIntervalMs), settings.maxIntervalMs)
      intervalMs = Math.min(Math.max(intervalMs * 2 * jitter, minIntervalMs), settings.maxIntervalMs)
      if (timeoutMs > 0 && failingMs + pauseMs > timeoutMs) throw loopTimeout(this.name, failingMs)
      failingMs += pauseMs
      return pauseMs
    }
    const succeed = (factor: number): number => {
      intervalMs = startingIntervalMs
      failingMs = 0
      return Math.max(intervalMs * factor, minIntervalMs)
    }
    return {
      first: this.clock.now() + initialDelayMs,
      stopOnException,
      next: (outcome) => {
        const factor = Math.abs(gaussian(jitter, DEVIATION, this.#random))
        return { at: this.clock.now() + (outcome.ok && outcome.value ? succeed(factor) : fail(factor)) }
      },
    }
  }
}

/** A normally distributed number. @see Box and Muller, A Note on the Generation of Random Normal Deviates, 1958 */
function gaussian(mean: number, deviation: number, random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()))
  return mean + deviation * radius * Math.cos(2 * Math.PI * random())
}

function resolveStart(name: string, options: BackOffStart): Required<BackOffStart> {
  const { initialDelayMs = 0, startingIntervalMs = 1_000, maxIntervalMs = 300_000, minIntervalMs = 1, timeoutMs = 300_000, jitter = 0.75, stopOnException = true } = options
  const settings = { initialDelayMs, startingIntervalMs, maxIntervalMs, minIntervalMs, timeoutMs, jitter, stopOnException }
  for (const option of ['startingIntervalMs', 'maxIntervalMs', 'minIntervalMs'] as const) checkMs(name, option, settings[option], 'above 0')
  for (const option of ['initialDelayMs', 'timeoutMs', 'jitter'] as const) checkMs(name, option, settings[option])
  if (settings.minIntervalMs > settings.maxIntervalMs) {
    throw new RangeError(`Cannot start the looping call "${name}" as minIntervalMs must not be above maxIntervalMs, ${settings.maxIntervalMs}: ${settings.minIntervalMs}`)
  }
  return settings
}
