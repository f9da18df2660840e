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
 * With more waits than this at once each one rounds up: there would always be some
 * that pass turns, and 10,000 of them would do so for 30 % of a core.
 */
const MANY = 64

/** Waits now in progress in this thread. */
let waits = 0

/**
 * Resolves at `time`, never before it, by the clock and not by the timer, which may
 * fire a little early. Always lets the event loop turn. False as soon as `signal` aborts.
 */
export async function waitUntil(time: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
  waits++
  try {
    await pause(time, clock, signal)
    while (clock.now() < time && !signal.aborted) await (waits > MANY ? pause(time, clock, signal) : nextTurn())
  } finally {
    waits--
  }
  return !signal.aborted
}

async function pause(time: number, clock: Clock, signal: AbortSignal): Promise<void> {
  const leftMs = time - clock.now()
  const wholeMs = waits > MANY ? Math.ceil(leftMs) : Math.floor(leftMs + TOLERANCE_MS)
  if (wholeMs >= 1) await sleepUnlessAborted(wholeMs, clock, signal)
  else await nextTurn()
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
