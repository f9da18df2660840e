import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasCode } from '#src/base/errors.js'
import { Tasks } from '#src/worker/tasks.js'
import { FakeClock } from '../../support/fake-clock.js'

/** A promise, and what settles it. */
function pending<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((yes) => { resolve = yes })
  return { promise, resolve }
}

/** Rejects with the reason as soon as the signal aborts. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }))
}

test('Tasks.track() gives the result, or the failure, of its work', async () => {
  const tasks = new Tasks(new FakeClock())
  assert.equal(await tasks.track('add', () => Promise.resolve(7)), 7)
  await assert.rejects(tasks.track('fail', () => Promise.reject(new Error('no'))), { message: 'no' })
  await assert.rejects(tasks.track('throw', () => { throw new Error('at once') }), { message: 'at once' })
  assert.deepEqual(tasks.unfinished(), [])
})

test('Tasks.track() begins its work at once', () => {
  const tasks = new Tasks(new FakeClock())
  let begun = false
  void tasks.track('a', () => {
    begun = true
    return Promise.resolve()
  })
  assert.ok(begun)
})

test('Tasks.settled() resolves when there is none', async () => {
  await new Tasks(new FakeClock()).settled()
})

test('Tasks.settled() waits for those that began meanwhile, and for those that fail', async () => {
  const tasks = new Tasks(new FakeClock())
  const [first, second] = [pending(), pending()]
  void tasks.track('first', async () => {
    await first.promise
    void tasks.track('second', () => second.promise.then(() => { throw new Error('no') })).catch(() => {})
  })
  let settled = false
  const done = tasks.settled().then(() => { settled = true })
  first.resolve()
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(settled, false)
  second.resolve()
  await done
})

test('Tasks.unfinished() names what is running, and for how long', async () => {
  const clock = new FakeClock()
  const tasks = new Tasks(clock)
  const work = pending()
  const done = tasks.track('flatten', () => work.promise)
  await clock.advance(12_340)
  void tasks.track('copy', () => work.promise)
  assert.deepEqual(tasks.unfinished(), ['task flatten (12.3 s)', 'task copy (0.0 s)'])
  work.resolve()
  await done
  await tasks.settled()
  assert.deepEqual(tasks.unfinished(), [])
})

test('Tasks.track() aborts the signal at the deadline, and not before', async () => {
  const tasks = new Tasks(new FakeClock())
  await assert.rejects(tasks.track('flatten', aborted, { deadlineMs: 5 }), { code: 'TASK_DEADLINE', message: 'Cannot go on with "flatten" as its deadline has passed: 5 ms' })
  await tasks.track('quick', (signal) => Promise.resolve(assert.equal(signal.aborted, false)), { deadlineMs: 60_000 })
})

test('Tasks.track() leaves no timer behind', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
  const before = timers()
  await new Tasks(new FakeClock()).track('quick', () => Promise.resolve(), { deadlineMs: 60_000 })
  assert.equal(timers(), before)
})

test('Tasks.abort() aborts every signal, with and without a deadline', async () => {
  const tasks = new Tasks(new FakeClock())
  const failures = [tasks.track('a', aborted), tasks.track('b', aborted, { deadlineMs: 60_000 })].map((task) => assert.rejects(task, (error) => hasCode(error, 'WORKER_STOPPING')))
  tasks.abort()
  await Promise.all(failures)
  await tasks.settled()
})

test('Tasks.track() after abort() gets a signal that is aborted', async () => {
  const tasks = new Tasks(new FakeClock())
  tasks.abort()
  await tasks.track('late', (signal) => Promise.resolve(assert.ok(hasCode(signal.reason, 'WORKER_STOPPING'))))
})
