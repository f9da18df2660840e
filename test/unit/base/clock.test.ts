import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '#src/base/clock.js'

test('systemClock.now() does not go back, and has fractions', () => {
  const times = Array.from({ length: 1_000 }, () => systemClock.now())
  assert.deepEqual(times, [...times].sort((a, b) => a - b))
  assert.ok(times.some((time) => !Number.isInteger(time)))
})

test('systemClock.sleep() resolves after its time', async () => {
  const start = systemClock.now()
  await systemClock.sleep(10)
  // Node's timers may fire within the millisecond before.
  assert.ok(systemClock.now() - start >= 9)
})

test('systemClock.sleep() resolves for 0 and less', async () => {
  await systemClock.sleep(0)
  await systemClock.sleep(-5)
})

test('systemClock.sleep() rejects with the reason of a signal, aborted before or meanwhile', async () => {
  const reason = new Error('enough')
  await assert.rejects(systemClock.sleep(10_000, AbortSignal.abort(reason)), reason)
  const stop = new AbortController()
  const sleeping = systemClock.sleep(10_000, stop.signal)
  stop.abort(reason)
  await assert.rejects(sleeping, reason)
})

test('systemClock.sleep() rejects with a reason that is no error', async () => {
  const stop = new AbortController()
  const sleeping = systemClock.sleep(10_000, stop.signal)
  stop.abort('enough')
  await sleeping.then(() => assert.fail('resolved'), (error: unknown) => assert.equal(error, 'enough'))
})

for (const ms of [2 ** 31, Number.POSITIVE_INFINITY]) {
  test(`systemClock.sleep(${ms}) does not end at once, as Node's timers would`, async () => {
    const stop = new AbortController()
    let ended = false
    const sleeping = systemClock.sleep(ms, stop.signal).finally(() => { ended = true })
    await systemClock.sleep(10)
    assert.equal(ended, false)
    stop.abort(new Error('enough'))
    await assert.rejects(sleeping, /enough/)
  })
}
