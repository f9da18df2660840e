import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * Where time comes from. Monotonic: a jump of the wall clock changes nothing.
 * Tests hand in a clock that they move themselves.
 */
export interface Clock {
  /** Milliseconds since some fixed moment, with fractions. Compare it only with itself, in one process. */
  now(): number
  /** Resolves after `ms`; rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The longest wait that Node's timers take; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => performance.now(),
  async sleep(ms, signal) {
    signal?.throwIfAborted()
    try {
      for (let left = ms; left > 0; left -= MAX_TIMER_MS) {
        await delay(Math.min(left, MAX_TIMER_MS), undefined, signal && { signal })
      }
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
  },
}
