import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '#src/base/clock.js'
import { hasCode } from '#src/base/errors.js'
import { BackOffLoopingCall, type BackOffStart } from '#src/loop/back-off.js'
import { LoopingCallDone } from '#src/loop/looping-call-done.js'

/** Sleeps take no time; each look at the clock takes a little, so that fractions of a millisecond pass, too. */
function hastyClock(): Clock {
  let now = 0
  return { now: () => now += 0.02, sleep: async (ms) => { now += ms } }
}

/** The normal deviate of it is 0: the factor is the jitter itself. */
const mean = (): number => 0

/** The pauses between the calls of a function with these results; what ended the loop. */
async function pausesOf(results: readonly (boolean | Error)[], options: BackOffStart, random = mean): Promise<{ pauses: readonly number[]; end: unknown }> {
  const clock = hastyClock()
  const starts: number[] = []
  const loop = new BackOffLoopingCall(() => {
    const result = results[starts.length]
    starts.push(clock.now())
    if (starts.length > results.length) throw new LoopingCallDone('done')
    if (result instanceof Error) throw result
    return result
  }, { clock, random, onError: () => {} })
  const run = loop.start(options).wait().catch((error: unknown) => error)
  const end = await run
  return { pauses: starts.slice(1).map((at, i) => Math.round(at - (starts[i] ?? 0) - 0.2)), end }
}

test('BackOffLoopingCall pauses 1.5 times as long after each failure, and begins anew after a success', async () => {
  const { pauses, end } = await pausesOf([false, false, false, true, false], {})
  assert.deepEqual(pauses, [1_500, 2_250, 3_375, 750, 1_500])
  assert.equal(end, 'done')
})

test('BackOffLoopingCall keeps pauses between minIntervalMs and maxIntervalMs', async () => {
  const { pauses } = await pausesOf([false, false, false, false, false, true], { startingIntervalMs: 10, minIntervalMs: 20, maxIntervalMs: 40 })
  assert.deepEqual(pauses, [20, 30, 40, 40, 40, 20])
})

test('BackOffLoopingCall cannot shrink to nothing with a small jitter', async () => {
  const { pauses } = await pausesOf(new Array<boolean>(8).fill(false), { jitter: 0.1, minIntervalMs: 100, timeoutMs: 0 })
  assert.deepEqual(pauses, [200, 100, 100, 100, 100, 100, 100, 100])
})

test('BackOffLoopingCall gives up when the pauses since the last success would come to more than timeoutMs', async () => {
  const { pauses, end } = await pausesOf(new Array<boolean>(50).fill(false), { timeoutMs: 10_000 })
  assert.deepEqual(pauses, [1_500, 2_250, 3_375])
  assert.ok(hasCode(end, 'LOOP_TIMEOUT'))
  const again = await pausesOf([false, false, false, true, false, false, false], { timeoutMs: 10_000 })
  assert.equal(again.end, 'done')
})

test('BackOffLoopingCall goes on without end with timeoutMs 0', async () => {
  const { pauses, end } = await pausesOf(new Array<boolean>(30).fill(false), { timeoutMs: 0 })
  assert.equal(pauses.length, 30)
  assert.equal(pauses.at(-1), 300_000)
  assert.equal(end, 'done')
})

test('an exception ends a BackOffLoopingCall, or counts as a failure', async () => {
  const broken = new Error('broken')
  assert.equal((await pausesOf([broken], {})).end, broken)
  assert.deepEqual((await pausesOf([broken, broken, true], { stopOnException: false })).pauses, [1_500, 2_250, 750])
})

test('BackOffLoopingCall varies pauses by a normal deviate of 0.1 about the jitter', async () => {
  let seed = 1
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
  const { pauses } = await pausesOf(new Array<boolean>(2_000).fill(true), {}, random)
  const average = pauses.reduce((sum, ms) => sum + ms, 0) / pauses.length
  const deviation = Math.sqrt(pauses.reduce((sum, ms) => sum + (ms - average) ** 2, 0) / pauses.length)
  assert.ok(Math.abs(average - 750) < 10, `mean ${average}`)
  assert.ok(Math.abs(deviation - 100) < 10, `deviation ${deviation}`)
})

test('BackOffLoopingCall refuses intervals that cannot be', () => {
  const loop = new BackOffLoopingCall(() => true)
  for (const options of [{ startingIntervalMs: 0 }, { minIntervalMs: 0 }, { maxIntervalMs: Infinity }, { timeoutMs: -1 }, { jitter: -1 }, { minIntervalMs: 2, maxIntervalMs: 1 }]) {
    assert.throws(() => loop.start(options), RangeError)
  }
})
