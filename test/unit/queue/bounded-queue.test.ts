import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import fc from 'fast-check'
import { hasCode } from '#src/base/errors.js'
import { BoundedQueue } from '#src/queue/bounded-queue.js'
import { FakeClock } from '../../support/fake-clock.js'

const isClosed = (error: unknown): boolean => hasCode(error, 'QUEUE_CLOSED')

/** Lets all promises go on. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

test('BoundedQueue refuses a capacity that is no whole number of at least 1', () => {
  for (const capacity of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) assert.throws(() => new BoundedQueue({ capacity }), RangeError)
})

test('BoundedQueue.put() waits for room, and those who wait are served in their order', async () => {
  const queue = new BoundedQueue<number>({ capacity: 2 })
  const done: number[] = []
  const puts = [1, 2, 3, 4].map((item) => queue.put(item).then(() => done.push(item)))
  await settle()
  assert.deepEqual(done, [1, 2])
  assert.equal(queue.waitingPuts, 2)
  assert.equal(queue.tryPut(5), false)
  assert.equal(await queue.take(), 1)
  assert.equal(queue.tryPut(5), false, 'it would pass those who wait')
  assert.deepEqual([queue.tryTake(), queue.tryTake(), queue.tryTake(), queue.tryTake()], [2, 3, 4, undefined])
  await Promise.all(puts)
  assert.deepEqual(done, [1, 2, 3, 4])
})

test('BoundedQueue.take() waits for an item, and consumers are served in their order', async () => {
  const queue = new BoundedQueue<string>({ capacity: 1 })
  const takes = [queue.take(), queue.take()]
  assert.equal(queue.waitingTakes, 2)
  assert.deepEqual([queue.tryPut('a'), queue.tryPut('b'), queue.tryPut('c'), queue.tryPut('d')], [true, true, true, false])
  assert.deepEqual(await Promise.all(takes), ['a', 'b'])
})

test('BoundedQueue.put() and take() reject with the reason of their signal, and leave no listener', async () => {
  const queue = new BoundedQueue<number>({ capacity: 1 })
  const stop = new AbortController()
  const take = queue.take({ signal: stop.signal })
  assert.equal(getEventListeners(stop.signal, 'abort').length, 1)
  stop.abort(new Error('enough'))
  await assert.rejects(take, /enough/)
  assert.equal(queue.tryPut(1), true)
  const other = new AbortController()
  const put = queue.put(2, { signal: other.signal })
  other.abort(new Error('enough'))
  await assert.rejects(put, /enough/)
  await assert.rejects(queue.put(3, { signal: other.signal }), /enough/)
  await assert.rejects(queue.take({ signal: other.signal }), /enough/)
  assert.deepEqual([queue.tryTake(), queue.tryTake()], [1, undefined])
  for (const { signal } of [stop, other]) assert.equal(getEventListeners(signal, 'abort').length, 0)
})

test('BoundedQueue.close() turns away puts, and lets consumers take what is left', async () => {
  const queue = new BoundedQueue<number>({ capacity: 2, name: 'jobs' })
  await Promise.all([queue.put(1), queue.put(2)])
  const late = queue.put(3)
  queue.close()
  await assert.rejects(late, isClosed)
  await assert.rejects(queue.put(4), { code: 'QUEUE_CLOSED', message: 'Cannot put into the queue "jobs" as it is closed' })
  assert.equal(queue.tryPut(4), false)
  assert.deepEqual([await queue.take(), await queue.take()], [1, 2])
  await assert.rejects(queue.take(), isClosed)
})

test('BoundedQueue.close() ends the consumers that wait, and the drain', async () => {
  const queue = new BoundedQueue<number>({ capacity: 1 })
  const ended = [queue.take().catch(isClosed), queue.items().next()]
  queue.close()
  assert.deepEqual(await Promise.all(ended), [true, { done: true, value: undefined }])
  await queue.drain()
})

test('BoundedQueue iterates until it is closed and empty, each item in one of the loops', async () => {
  const queue = new BoundedQueue<number>({ capacity: 4 })
  const consume = async (): Promise<number[]> => {
    const items: number[] = []
    for await (const item of queue) items.push(item)
    return items
  }
  const loops = [consume(), consume(), consume()]
  for (let item = 0; item < 100; item++) await queue.put(item)
  queue.close()
  const got = (await Promise.all(loops)).flat()
  assert.deepEqual(got.sort((a, b) => a - b), Array.from({ length: 100 }, (_, item) => item))
})

test('BoundedQueue.items() loses no item to an iteration that was left', async () => {
  const queue = new BoundedQueue<number>({ capacity: 4 })
  const iteration = queue.items()
  const step = iteration.next()
  await iteration.return?.()
  queue.tryPut(1)
  assert.deepEqual(await step, { done: true, value: undefined })
  assert.equal(queue.tryTake(), 1)
})

test('BoundedQueue.items() rejects with the reason of its signal, and leaves no listener', async () => {
  const queue = new BoundedQueue<number>({ capacity: 4 })
  const stop = new AbortController()
  const step = queue.items({ signal: stop.signal }).next()
  stop.abort(new Error('enough'))
  await assert.rejects(step, /enough/)
  assert.equal(queue.waitingTakes, 0)
})

test('BoundedQueue.drain() waits until all was taken, puts that waited included', async () => {
  const queue = new BoundedQueue<number>({ capacity: 1 })
  const puts = [queue.put(1), queue.put(2)]
  let drained = false
  const drain = queue.drain().then(() => { drained = true })
  queue.tryTake()
  await settle()
  assert.equal(drained, false)
  queue.tryTake()
  await drain
  await Promise.all(puts)
})

test('BoundedQueue.statistics() tells counts and the time in the queue by the clock', async () => {
  const clock = new FakeClock()
  const queue = new BoundedQueue<number>({ capacity: 10, clock })
  for (let item = 0; item < 10; item++) queue.tryPut(item)
  await clock.advance(100)
  for (let item = 0; item < 9; item++) queue.tryTake()
  await clock.advance(900)
  queue.tryTake()
  const waiting = queue.take()
  queue.tryPut(11)
  await waiting
  const { timeInQueue, ...counts } = queue.statistics()
  assert.deepEqual(counts, { puts: 11, takes: 11, size: 0, highestSize: 10, waitingPuts: 0, waitingTakes: 0 })
  assert.equal(timeInQueue.count, 11)
  assert.equal(timeInQueue.maxMs, 1_000)
  assert.ok(Math.abs(timeInQueue.p50Ms - 100) < 4, String(timeInQueue.p50Ms))
})

test('BoundedQueue loses and doubles nothing, keeps the order and the bound, whatever aborts and closes', async () => {
  const step = fc.constantFrom('put', 'tryPut', 'take', 'tryTake', 'abortPut', 'abortTake', 'settle')
  await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 80 }), async (capacity, steps) => {
    const queue = new BoundedQueue<number>({ capacity })
    const [accepted, taken] = [new Set<number>(), [] as number[]]
    const [puts, takes] = [[] as AbortController[], [] as AbortController[]]
    const pending: Promise<unknown>[] = []
    let item = 0
    const act: Record<typeof step extends fc.Arbitrary<infer Name extends string> ? Name : never, () => unknown> = {
      put: () => {
        const [own, stop] = [item++, new AbortController()]
        puts.push(stop)
        pending.push(queue.put(own, { signal: stop.signal }).then(() => accepted.add(own), () => {}))
      },
      tryPut: () => { if (queue.tryPut(item)) accepted.add(item); item++ },
      take: () => {
        const stop = new AbortController()
        takes.push(stop)
        pending.push(queue.take({ signal: stop.signal }).then((got) => taken.push(got), () => {}))
      },
      tryTake: () => { const got = queue.tryTake(); if (got !== undefined) taken.push(got) },
      abortPut: () => puts.pop()?.abort(),
      abortTake: () => takes.shift()?.abort(),
      settle,
    }
    for (const each of steps) {
      await act[each]()
      assert.ok(queue.size <= capacity)
      assert.ok(queue.waitingPuts === 0 || queue.size === capacity)
      assert.ok(queue.waitingTakes === 0 || queue.size === 0)
    }
    queue.close()
    for await (const left of queue) taken.push(left)
    await Promise.all(pending)
    assert.deepEqual([...taken].sort((a, b) => a - b), [...accepted].sort((a, b) => a - b))
    assert.equal(queue.statistics().puts, taken.length)
    for (const { signal } of [...puts, ...takes]) assert.equal(getEventListeners(signal, 'abort').length, 0)
  }))
})
