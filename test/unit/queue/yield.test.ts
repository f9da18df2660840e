import assert from 'node:assert/strict'
import { test } from 'node:test'
import { yieldEvery, yieldNow } from '#src/queue/yield.js'
import { FakeClock } from '../../support/fake-clock.js'

/** Runs `pause` 200 times with a timer and an immediate due before; gives what ran meanwhile. */
async function watch(pause: () => Promise<void> | undefined): Promise<{ timer: boolean, io: boolean }> {
  const seen = { timer: false, io: false }
  const timer = setTimeout(() => { seen.timer = true }, 1)
  const immediate = setImmediate(() => { seen.io = true })
  const begin = performance.now()
  while (performance.now() < begin + 5);
  for (let step = 0; step < 200; step++) await pause()
  const result = { ...seen }
  clearTimeout(timer)
  clearImmediate(immediate)
  return result
}

test('yieldNow() lets timers and I/O run', async () => {
  assert.deepEqual(await watch(yieldNow), { timer: true, io: true })
})

test('yieldNow() is needed: a chain of promises alone lets neither run', async () => {
  assert.deepEqual(await watch(() => Promise.resolve()), { timer: false, io: false })
})

test('yieldNow() shares one turn between all who yield in it', async () => {
  assert.equal(yieldNow(), yieldNow())
  const first = yieldNow()
  await first
  assert.notEqual(yieldNow(), first)
  await yieldNow()
})

test('yieldEvery() yields when its time has passed, and not before', async () => {
  const clock = new FakeClock()
  const breathe = yieldEvery(10, { clock })
  assert.equal(breathe(), undefined)
  await clock.advance(10)
  const due = breathe()
  assert.ok(due instanceof Promise)
  await due
  assert.equal(breathe(), undefined)
})
