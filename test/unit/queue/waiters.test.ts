import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import fc from 'fast-check'
import { Waiters } from '#src/queue/waiters.js'

test('Waiters are settled in their order, without those who gave up', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 40 }), async (givesUp) => {
    const gaveUp: number[] = []
    const waiters = new Waiters<number, string>((value) => gaveUp.push(value))
    const controllers = givesUp.map(() => new AbortController())
    const waits = controllers.map(({ signal }, index) => waiters.wait(index, signal))
    const settled = Promise.allSettled(waits)
    givesUp.forEach((does, index) => { if (does) controllers[index]?.abort(index) })
    const stay = givesUp.flatMap((does, index) => does ? [] : [index])
    assert.equal(waiters.size, stay.length)
    const served: number[] = []
    for (let waiter = waiters.shift(); waiter; waiter = waiters.shift()) {
      served.push(waiter.value)
      waiter.resolve(`for ${waiter.value}`)
    }
    assert.deepEqual(served, stay)
    assert.deepEqual(gaveUp, givesUp.flatMap((does, index) => does ? [index] : []))
    assert.deepEqual((await settled).map((each) => each.status === 'fulfilled' ? each.value : each.reason as unknown), givesUp.map((does, index) => does ? index : `for ${index}`))
    for (const { signal } of controllers) assert.equal(getEventListeners(signal, 'abort').length, 0)
  }))
})

test('Waiters of one signal share one listener, which goes with the last of them', async () => {
  const { signal } = new AbortController()
  const [one, other] = [new Waiters<number, void>(), new Waiters<number, void>()]
  const waits = Array.from({ length: 10_000 }, (_, index) => (index % 2 ? one : other).wait(index, signal))
  assert.equal(getEventListeners(signal, 'abort').length, 1)
  one.resolveAll()
  assert.equal(getEventListeners(signal, 'abort').length, 1)
  other.resolveAll()
  assert.equal(getEventListeners(signal, 'abort').length, 0)
  await Promise.all(waits)
})

test('Waiters.wait() rejects at once with a signal that has aborted', async () => {
  const waiters = new Waiters<number, void>()
  await assert.rejects(waiters.wait(1, AbortSignal.abort(new Error('gone'))), /gone/)
  assert.equal(waiters.size, 0)
})

test('Waiters.takeLast() takes the youngest that matches', async () => {
  const waiters = new Waiters<number, void>()
  const waits = [1, 2, 3].map((value) => waiters.wait(value))
  assert.equal(waiters.takeLast((value) => value < 3)?.value, 2)
  assert.equal(waiters.takeLast((value) => value > 3), undefined)
  assert.equal(waiters.size, 2)
  waiters.resolveAll()
  await Promise.all([waits[0], waits[2]])
})
