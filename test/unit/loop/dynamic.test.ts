import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasCode } from '#src/base/errors.js'
import { DynamicLoopingCall, type DynamicDelay, type DynamicStart } from '#src/loop/dynamic.js'
import { LoopingCallDone } from '#src/loop/looping-call-done.js'
import { FakeClock } from '../../support/fake-clock.js'

/** When a function that gives back `delays`, then ends the loop, is called. */
async function startsOf(delays: readonly (DynamicDelay | Error)[], options: DynamicStart): Promise<readonly number[]> {
  const clock = new FakeClock()
  const starts: number[] = []
  const loop = new DynamicLoopingCall(() => {
    const delay = delays[starts.length]
    starts.push(clock.now())
    if (starts.length > delays.length) throw new LoopingCallDone()
    if (delay instanceof Error) throw delay
    return delay
  }, { clock, onError: () => {} })
  const run = loop.start(options)
  await clock.advance(100_000)
  assert.equal(await run, true)
  assert.equal(clock.sleepers, 0)
  return starts
}

test('DynamicLoopingCall sleeps as long as its function says, from its end', async () => {
  assert.deepEqual(await startsOf([100, 2_000, 30], {}), [0, 100, 2_100, 2_130])
})

test('DynamicLoopingCall caps the sleep, and takes the cap for nothing', async () => {
  assert.deepEqual(await startsOf([5_000, null, undefined, 10, Infinity], { periodicIntervalMaxMs: 1_000, initialDelayMs: 7 }), [7, 1_007, 2_007, 3_007, 3_017, 4_017])
})

test('DynamicLoopingCall pauses for minIntervalMs however little is asked for', async () => {
  assert.deepEqual(await startsOf([0, -5, 3], {}), [0, 10, 20, 30])
  assert.deepEqual(await startsOf([0, 0], { minIntervalMs: 250 }), [0, 250, 500])
})

test('DynamicLoopingCall pauses after an exception that does not end it', async () => {
  const broken = new Error('broken')
  assert.deepEqual(await startsOf([broken, broken], { stopOnException: false }), [0, 1_000, 2_000])
  assert.deepEqual(await startsOf([broken], { stopOnException: false, periodicIntervalMaxMs: 400 }), [0, 400])
  assert.deepEqual(await startsOf([broken], { stopOnException: false, errorIntervalMs: 0 }), [0, 10])
})

test('DynamicLoopingCall fails with LOOP_DELAY_INVALID for what is no delay', async () => {
  for (const delay of [undefined, null, Number.NaN, Infinity, 'soon' as unknown as number]) {
    const told: unknown[] = []
    const loop = new DynamicLoopingCall(() => delay, { onError: (error) => told.push(error) })
    await assert.rejects(loop.start({}).wait(), (error) => hasCode(error, 'LOOP_DELAY_INVALID'))
    assert.equal(told.length, 1)
  }
})

test('an exception ends a DynamicLoopingCall by default', async () => {
  const broken = new Error('broken')
  const loop = new DynamicLoopingCall(() => { throw broken })
  await assert.rejects(loop.start({}).wait(), broken)
})

test('DynamicLoopingCall.stop() interrupts the sleep', async () => {
  const clock = new FakeClock()
  const loop = new DynamicLoopingCall(() => 3_600_000, { clock })
  const run = loop.start({})
  await clock.advance(1)
  await loop.stop()
  await loop.stop()
  assert.equal(await run, true)
  assert.equal(clock.sleepers, 0)
})

test('DynamicLoopingCall refuses intervals that cannot be', () => {
  const loop = new DynamicLoopingCall(() => 1)
  for (const options of [{ minIntervalMs: 0 }, { errorIntervalMs: -1 }, { periodicIntervalMaxMs: 0 }, { initialDelayMs: Number.NaN }]) assert.throws(() => loop.start(options), RangeError)
})
