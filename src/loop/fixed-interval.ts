import type { Clock } from '../base/clock.js'
import { LoopingCall, checkMs, type Pace } from './looping-call.js'

export interface FixedIntervalStart {
  /** From start to start, in ms; above 0. */
  readonly intervalMs: number
  /** Before the first call, in ms. Default 0: at once, but never within `start()`. */
  readonly initialDelayMs?: number
  /** Whether an exception ends the loop. If not, the next call is at the next point of the grid. Default true. */
  readonly stopOnException?: boolean
  /** After a call that overran: drop all starts that it missed, or make up one of them at once. Default `skip`. */
  readonly overlap?: 'skip' | 'queue'
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
export class FixedIntervalLoopingCall extends LoopingCall<FixedIntervalStart> {
  protected pace(options: FixedIntervalStart): Pace {
    return gridPace(this.name, options, this.clock)
  }
}

/** @throws RangeError for an interval that is not above 0 and finite, or a delay below 0 */
export function gridPace(name: string, options: FixedIntervalStart, clock: Clock): Pace {
  const { intervalMs, initialDelayMs = 0, stopOnException = true, overlap = 'skip' } = options
  checkMs(name, 'intervalMs', intervalMs, 'above 0')
  checkMs(name, 'initialDelayMs', initialDelayMs)
  const first = clock.now() + initialDelayMs
  let point = 0
  const next: Pace['next'] = () => {
    const now = clock.now()
    const nextPoint = Math.max(point + 1, Math.ceil((now - first) / intervalMs))
    const late = nextPoint - point - 1
    // The last of the missed points is the one that is made up: the grid goes on after it.
    const madeUp = overlap === 'queue' && late > 0
    point = madeUp ? nextPoint - 1 : nextPoint
    return madeUp ? { at: now, missed: late - 1 } : { at: first + point * intervalMs, missed: late }
  }
  return { first, stopOnException, next }
}
