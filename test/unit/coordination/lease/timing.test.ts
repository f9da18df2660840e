import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backoffMs, elapsedMs, pollAfterMs, renewAt, renewEveryMs, stopMarginMs, termOf, untilDeadlineMs, waiterTtlMs } from '#src/coordination/lease/timing.js'

const START = { mono: 1_000, wall: 5_000_000 }

test('elapsedMs() goes by the clock that has gone further', () => {
  const table: readonly [mono: number, wall: number, elapsed: number][] = [
    [0, 0, 0], [700, 700, 700],
    [700, 3_600_700, 3_600_700], // set forward, or suspended
    [700, -3_600_000, 700], // set back
  ]
  for (const [mono, wall, elapsed] of table) assert.equal(elapsedMs(START, { mono: START.mono + mono, wall: START.wall + wall }), elapsed)
})

test('termOf() ends a hundredth and 5 ms before what the store said', () => {
  for (const [leftMs, lengthMs] of [[15_000, 14_845], [250, 242.5], [1_000, 985]] as const) assert.equal(termOf(START, leftMs).lengthMs, lengthMs)
})

test('untilDeadlineMs() counts from before the command was written', () => {
  const term = termOf(START, 1_000)
  assert.equal(untilDeadlineMs(term, START), 985)
  assert.equal(untilDeadlineMs(term, { mono: 1_985, wall: START.wall }), 0)
  assert.equal(untilDeadlineMs(term, { mono: 1_000, wall: START.wall + 2_000 }), -1_015)
})

test('stopMarginMs() is 15 %, at least 500 ms, at most a third', () => {
  for (const [ttlMs, marginMs] of [[15_000, 2_250], [3_000, 500], [1_500, 500], [900, 300], [300, 100]] as const) assert.equal(stopMarginMs(ttlMs), marginMs)
})

test('renewEveryMs() is a third ± 10 %', () => {
  assert.deepEqual([0, 0.5, 1].map((random) => Math.round(renewEveryMs(15_000, random))), [4_500, 5_000, 5_500])
})

test('renewAt() leaves a longer term alone until its end is near', () => {
  assert.equal(Math.round(renewAt(termOf(START, 15_000), 15_000, 0.5)), 1_000 + 4_845)
  assert.equal(Math.round(renewAt(termOf(START, 60_000), 15_000, 0.5)), 1_000 + 49_395)
  assert.equal(renewAt(termOf(START, 4_000), 15_000, 0.5), 1_000)
})

test('waiterTtlMs() is less than the lease, and 10 s at most', () => {
  for (const [ttlMs, ms] of [[250, 1_000], [2_000, 1_333], [3_000, 2_000], [15_000, 10_000], [600_000, 10_000]] as const) assert.equal(waiterTtlMs(ttlMs), ms)
})

test('pollAfterMs() follows the hint up to a third of the waiter ttl, and spreads', () => {
  for (const [retryMs, random, ms] of [[0, 0, 10], [200, 0, 200], [200, 1, 220], [60_000, 0, 3_000]] as const) assert.equal(Math.round(pollAfterMs(retryMs, 10_000, random)), ms)
  assert.equal(pollAfterMs(60_000, 1_000, 0), 300)
})

test('backoffMs() doubles from 50 ms to 1 s, half of it by chance', () => {
  assert.deepEqual([1, 2, 3, 6, 50].map((failures) => backoffMs(failures, 1)), [50, 100, 200, 1_000, 1_000])
  assert.equal(backoffMs(1, 0), 25)
})
