import type { Clock } from '../base/clock.js'

/**
 * How late a wake may be planned, in ms. Node's timers know whole milliseconds
 * only. The fraction that is left is rounded up when that costs no more than this;
 * otherwise it is rounded down, and what remains, less than half a millisecond, is
 * passed in turns of the event loop, in which everything else goes on. At 10 ms
 * that is about one wait in three, and 2 % of a core. Always rounding up would be
 * late by up to 1 ms; always rounding down, to be exact, would cost 8 % of a core.
 */
const TOLERANCE_MS = 0.5

/**
 * Resolves at `time`, never before it, by the clock and not by the timer, which may
 * fire a little early. Always lets the event loop turn. False as soon as `signal` aborts.
 */
export async function waitUntil(time: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
  const wholeMs = Math.floor(time - clock.now() + TOLERANCE_MS)
  if (wholeMs >= 1) await sleepUnlessAborted(wholeMs, clock, signal)
  else await nextTurn()
  while (clock.now() < time && !signal.aborted) await nextTurn()
  return !signal.aborted
}

async function sleepUnlessAborted(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, signal)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
