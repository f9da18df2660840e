import type { Random } from '../base/random.js'

const FIRST_DELAY_MS = 100

/**
 * How long a slot waits before its next process, in ms: 0 for the first death
 * after a healthy period (`failures` is 0), then 100 ms doubled with each
 * further failure up to `maxMs`, of which a random half is taken off, so that
 * slots that died together do not start together.
 *
 * @see "equal jitter" in Brooker, Exponential Backoff And Jitter, 2015
 */
export function backoffDelay(failures: number, maxMs: number, random: Random): number {
  if (failures === 0) return 0
  const ceiling = Math.min(maxMs, FIRST_DELAY_MS * 2 ** (failures - 1))
  return ceiling / 2 + (ceiling / 2) * random()
}
