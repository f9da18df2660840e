import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasCode } from '#src/base/errors.js'
import { runWithin, type RunLimits } from '#src/loop/task/run-within.js'
import { FakeClock } from '../../../support/fake-clock.js'

function limits(clock: FakeClock, timeoutMs: number, signal = new AbortController().signal): RunLimits & { readonly timeouts: number[] } {
  const timeouts: number[] = []
  return { name: 'work', signal, timeoutMs, clock, onTimeout: () => timeouts.push(clock.now()), timeouts }
}

test('runWithin() gives back the result, and leaves no timer', async () => {
  const clock = new FakeClock()
  assert.equal(await runWithin(() => 42, limits(clock, 1_000)), 42)
  assert.equal(await runWithin(async () => 42, limits(clock, Infinity)), 42)
  assert.equal(clock.sleepers, 0)
})

test('runWithin() aborts the run with TASK_TIMEOUT', async () => {
  const clock = new FakeClock()
  const parts = limits(clock, 1_000)
  const ended = assert.rejects(runWithin((signal) => clock.sleep(5_000, signal), parts), (error) => hasCode(error, 'TASK_TIMEOUT'))
  await clock.advance(1_000)
  await ended
  assert.deepEqual(parts.timeouts, [1_000])
})

test('runWithin() waits for a run that does not look at its signal, and tells the timeout in time', async () => {
  const clock = new FakeClock()
  const parts = limits(clock, 1_000)
  const run = runWithin(() => clock.sleep(5_000), parts)
  const ended = assert.rejects(run, (error) => hasCode(error, 'TASK_TIMEOUT'))
  await clock.advance(1_000)
  assert.deepEqual(parts.timeouts, [1_000])
  assert.equal(clock.sleepers, 1)
  await clock.advance(4_000)
  await ended
})

test('runWithin() keeps what a run threw after its timeout as the cause', async () => {
  const clock = new FakeClock()
  const other = new Error('other')
  const run = runWithin(async () => { await clock.sleep(2_000); throw other }, limits(clock, 1_000))
  const ended = assert.rejects(run, (error: Error) => hasCode(error, 'TASK_TIMEOUT') && error.cause === other)
  await clock.advance(2_000)
  await ended
})

test('runWithin() hands the abort of its signal on', async () => {
  const clock = new FakeClock()
  const stop = new AbortController()
  const reason = new Error('stop')
  const ended = assert.rejects(runWithin((signal) => clock.sleep(5_000, signal), limits(clock, 1_000, stop.signal)), reason)
  await clock.advance(1)
  stop.abort(reason)
  await ended
  assert.equal(clock.sleepers, 0)
})
