import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasCode } from '#src/base/errors.js'
import { FixedIntervalWithTimeoutLoopingCall } from '#src/loop/fixed-interval-with-timeout.js'
import { LoopingCallDone } from '#src/loop/looping-call-done.js'
import { FakeClock } from '../../support/fake-clock.js'

const isTimeout = (error: unknown): boolean => hasCode(error, 'LOOP_TIMEOUT')

test('FixedIntervalWithTimeoutLoopingCall gives up after the first run that ends past the timeout', async () => {
  const clock = new FakeClock()
  const starts: number[] = []
  const loop = new FixedIntervalWithTimeoutLoopingCall(async () => { starts.push(clock.now()); await clock.sleep(300) }, { clock })
  const ended = assert.rejects(loop.start({ intervalMs: 1_000, timeoutMs: 2_100 }).wait(), isTimeout)
  await clock.advance(5_000)
  await ended
  assert.deepEqual(starts, [0, 1_000, 2_000])
  assert.equal(clock.sleepers, 0)
})

test('FixedIntervalWithTimeoutLoopingCall counts from start(), the initial delay included', async () => {
  const clock = new FakeClock()
  const loop = new FixedIntervalWithTimeoutLoopingCall(() => {}, { clock })
  const ended = assert.rejects(loop.start({ intervalMs: 100, initialDelayMs: 500, timeoutMs: 499 }).wait(), isTimeout)
  await clock.advance(500)
  await ended
  assert.equal(loop.runs, 1)
})

test('FixedIntervalWithTimeoutLoopingCall is a fixed interval with timeoutMs 0', async () => {
  const clock = new FakeClock()
  const loop = new FixedIntervalWithTimeoutLoopingCall(() => {}, { clock })
  loop.start({ intervalMs: 1_000, timeoutMs: 0 })
  await clock.advance(10_500)
  assert.equal(loop.runs, 11)
  await loop.stop()
})

test('abortOnTimeout aborts a run in progress with LOOP_TIMEOUT, and waits for its end', async () => {
  const clock = new FakeClock()
  const told: unknown[] = []
  let reason: unknown
  const loop = new FixedIntervalWithTimeoutLoopingCall(async (signal) => {
    await clock.sleep(60_000, signal).catch((error: unknown) => { reason = error })
    await clock.sleep(50)
  }, { clock, onError: (error) => told.push(error) })
  const run = loop.start({ intervalMs: 100, timeoutMs: 1_000, abortOnTimeout: true })
  await clock.advance(1_000)
  assert.ok(isTimeout(reason))
  assert.equal(loop.running, true)
  const ended = assert.rejects(run.wait(), isTimeout)
  await clock.advance(50)
  await ended
  assert.deepEqual(told, [reason])
  assert.equal(clock.sleepers, 0)
})

test('abortOnTimeout ends a wait, and leaves no timer behind when the loop ends before', async () => {
  const clock = new FakeClock()
  const loop = new FixedIntervalWithTimeoutLoopingCall(() => {}, { clock })
  const ended = assert.rejects(loop.start({ intervalMs: 10_000, timeoutMs: 1_000, abortOnTimeout: true }).wait(), isTimeout)
  await clock.advance(1_000)
  await ended
  assert.equal(clock.now(), 1_000)
  const done = new FixedIntervalWithTimeoutLoopingCall(() => { throw new LoopingCallDone('there') }, { clock })
  const run = done.start({ intervalMs: 10, timeoutMs: 1_000, abortOnTimeout: true })
  await clock.advance(0)
  assert.equal(await run, 'there')
  const stopped = new FixedIntervalWithTimeoutLoopingCall(() => {}, { clock })
  const stoppedRun = stopped.start({ intervalMs: 10, initialDelayMs: 500, timeoutMs: 1_000, abortOnTimeout: true })
  await stopped.stop()
  assert.equal(await stoppedRun, true)
  assert.equal(clock.sleepers, 0)
})

test('FixedIntervalWithTimeoutLoopingCall refuses a timeout that cannot be', () => {
  const loop = new FixedIntervalWithTimeoutLoopingCall(() => {})
  for (const timeoutMs of [-1, Number.NaN, Infinity]) assert.throws(() => loop.start({ intervalMs: 1, timeoutMs }), RangeError)
})
