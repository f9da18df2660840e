import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CodedError } from '#src/base/errors.js'
import { LoopingCallDone } from '#src/loop/looping-call-done.js'
import { retry, withRetry, type Retry, type RetryOptions } from '#src/loop/retry.js'
import { FakeClock } from '../../support/fake-clock.js'

const broken = new CodedError('BROKEN', 'broken')

/** Fails `failures` times, then gives back 42. */
async function run(failures: number, options: RetryOptions): Promise<{ starts: number[]; retries: Retry[]; end: unknown }> {
  const clock = new FakeClock()
  const starts: number[] = []
  const retries: Retry[] = []
  const end = retry(() => {
    starts.push(clock.now())
    if (starts.length <= failures) throw broken
    return 42
  }, { ...options, clock, onRetry: (each) => retries.push(each) }).catch((error: unknown) => error)
  await clock.advance(10_000_000)
  assert.equal(clock.sleepers, 0)
  return { starts, retries, end: await end }
}

test('retry() pauses longer each time, up to maxSleepMs, and gives back the result', async () => {
  const { starts, retries, end } = await run(8, {})
  assert.deepEqual(starts, [0, 10_000, 30_000, 60_000, 100_000, 150_000, 210_000, 270_000, 330_000])
  assert.deepEqual(retries[1], { error: broken, retry: 2, sleepMs: 20_000 })
  assert.equal(end, 42)
})

test('retry() calls once more than maxRetries, then throws the last error as it is', async () => {
  const { starts, end } = await run(9, { maxRetries: 2, incSleepMs: 100 })
  assert.deepEqual(starts, [0, 100, 300])
  assert.equal(end, broken)
  assert.equal((await run(1, { maxRetries: 0 })).end, broken)
})

test('retry() retries only errors of the codes or of the predicate that are given', async () => {
  assert.equal((await run(1, { codes: ['BROKEN'] })).end, 42)
  assert.equal((await run(1, { codes: ['OTHER'] })).end, broken)
  assert.equal((await run(1, { codes: ['OTHER'], exceptions: (error) => error === broken })).end, 42)
  assert.equal((await run(1, { exceptions: () => false })).end, broken)
})

test('retry() pauses, if for a moment only, with incSleepMs 0', async () => {
  assert.deepEqual((await run(3, { incSleepMs: 0 })).starts, [0, 1, 2, 3])
})

test('retry() ends with the value of LoopingCallDone', async () => {
  assert.equal(await retry<unknown>(() => { throw new LoopingCallDone('enough') }), 'enough')
})

test('retry() rejects with the reason of its signal: before, during the pause, after a failed call', async () => {
  const clock = new FakeClock()
  const reason = new Error('stop')
  const aborted = AbortSignal.abort(reason)
  await assert.rejects(retry(() => assert.fail(), { signal: aborted }), reason)
  const stop = new AbortController()
  const pausing = assert.rejects(retry(() => { throw broken }, { signal: stop.signal, clock }), reason)
  await clock.advance(1)
  stop.abort(reason)
  await pausing
  assert.equal(clock.sleepers, 0)
  const during = new AbortController()
  await assert.rejects(retry((signal) => {
    during.abort(reason)
    assert.equal(signal.aborted, true)
    throw broken
  }, { signal: during.signal }), reason)
})

test('withRetry() has state of its own for each call, and keeps parameters and this', async () => {
  const clock = new FakeClock()
  const counter = {
    calls: 0,
    add: withRetry(async function (this: { calls: number }, a: number, b: number): Promise<number> {
      if (this.calls++ % 3 < 2) throw broken
      return a + b
    }, { maxRetries: 2, incSleepMs: 100, clock }),
  }
  for (const turn of [1, 2, 3]) {
    const startedAt = clock.now()
    const sum = counter.add(turn, 10)
    let tookMs = -1
    void sum.then(() => { tookMs = clock.now() - startedAt })
    await clock.advance(1_000)
    assert.equal(await sum, turn + 10)
    assert.equal(tookMs, 300)
  }
})

test('retry() and withRetry() refuse options that cannot be', async () => {
  for (const options of [{ maxRetries: -2 }, { maxRetries: 1.5 }, { incSleepMs: -1 }, { maxSleepMs: Infinity }]) {
    await assert.rejects(retry(() => {}, options), RangeError)
    assert.throws(() => withRetry(() => {}, options), RangeError)
  }
})
