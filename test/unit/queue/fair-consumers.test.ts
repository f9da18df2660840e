import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import fc from 'fast-check'
import { hasCode } from '#src/base/errors.js'
import { FairConsumers } from '#src/queue/fair-consumers.js'
import { yieldNow } from '#src/queue/yield.js'
import { FakeClock } from '../../support/fake-clock.js'

const never = (): Promise<never> => new Promise(() => {})

test('FairConsumers serve their queues in rounds, so that a flood in one holds up no other', async () => {
  const served: string[] = []
  const consumers = new FairConsumers<string>({ handler: (item) => { served.push(item) }, capacity: 10_000 })
  for (let i = 0; i < 5_000; i++) consumers.tryPut('flood', 'flood')
  for (const queue of ['a', 'b']) for (let i = 0; i < 10; i++) consumers.tryPut(queue, queue)
  await consumers.drain()
  assert.equal(served.length, 5_020)
  assert.equal(served.slice(0, 31).filter((each) => each === 'a').length, 10)
  assert.equal(served.slice(0, 31).filter((each) => each === 'b').length, 10)
})

test('FairConsumers share the turns by weight, also with one handler a queue at a time', async () => {
  for (const perQueue of [1, Number.POSITIVE_INFINITY]) {
    const served: string[] = []
    const consumers = new FairConsumers<string>({ handler: (item) => { served.push(item) }, perQueue, capacity: 10_000, weight: (queue) => queue === 'gold' ? 9 : 1 })
    for (let i = 0; i < 2_000; i++) for (const queue of ['gold', 'iron']) consumers.tryPut(queue, queue)
    await consumers.drain()
    const gold = served.slice(0, 1_000).filter((each) => each === 'gold').length
    assert.equal(gold, 900, `perQueue ${perQueue}`)
  }
})

test('FairConsumers.put() waits for room in its queue only', async () => {
  const consumers = new FairConsumers<number>({ handler: never, capacity: 1 })
  await consumers.put('a', 1)
  await yieldNow()
  await consumers.put('a', 2)
  const stop = new AbortController()
  const waiting = consumers.put('a', 3, { signal: stop.signal })
  await consumers.put('b', 4)
  assert.equal(consumers.statistics().waitingPuts, 1)
  stop.abort(new Error('enough'))
  await assert.rejects(waiting, /enough/)
  assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
  assert.deepEqual(consumers.abort(), [2, 4])
})

test('FairConsumers keep no queue that is empty, but for those that were named', async () => {
  const consumers = new FairConsumers<number>({ handler: yieldNow, queues: ['control'], consumers: 3 })
  for (let i = 0; i < 100; i++) await consumers.put(`image ${i}`, i)
  await consumers.drain()
  assert.deepEqual(Object.keys(consumers.statistics().queues), ['control'])
})

test('FairConsumers tell onError of each failure, and go on', async () => {
  const told: unknown[] = []
  const error = new Error('broken')
  const consumers = new FairConsumers<number>({ handler: (item) => { if (item < 2) throw error }, onError: (...args) => told.push(args) })
  for (const item of [0, 1, 2]) consumers.tryPut('a', item)
  await consumers.close()
  assert.deepEqual(told, [[error, 0, 'a'], [error, 1, 'a']])
  const { handled, failed } = consumers.statistics()
  assert.deepEqual({ handled, failed }, { handled: 3, failed: 2 })
})

test('FairConsumers start no handler within the put, nor in its asynchronous context', async () => {
  const context = new AsyncLocalStorage<string>()
  const seen: unknown[] = []
  const consumers = context.run('maker', () => new FairConsumers<number>({ handler: () => { seen.push(context.getStore()) } }))
  context.run('putter', () => {
    assert.equal(consumers.tryPut('a', 1), true)
    assert.deepEqual(seen, [])
  })
  await consumers.drain()
  assert.deepEqual(seen, ['maker'])
})

test('FairConsumers.pause() waits for the handlers that run, and resume() goes on', async () => {
  const served: number[] = []
  const consumers = new FairConsumers<number>({ handler: async (item) => { await yieldNow(); served.push(item) } })
  consumers.tryPut('a', 1)
  consumers.tryPut('a', 2)
  await Promise.resolve()
  await consumers.pause()
  assert.deepEqual([served, consumers.paused, consumers.size], [[1], true, 1])
  consumers.resume()
  await consumers.drain()
  assert.deepEqual(served, [1, 2])
})

test('FairConsumers.close() handles what was let in, also when paused, and turns away the rest', async () => {
  const served: number[] = []
  const consumers = new FairConsumers<number>({ handler: (item) => { served.push(item) }, capacity: 1 })
  await consumers.pause()
  await consumers.put('a', 1)
  const waiting = consumers.put('a', 2)
  const closed = consumers.close()
  await assert.rejects(waiting, (error) => hasCode(error, 'QUEUE_CLOSED'))
  await assert.rejects(consumers.put('a', 3), (error) => hasCode(error, 'QUEUE_CLOSED'))
  assert.equal(consumers.tryPut('a', 3), false)
  await closed
  assert.deepEqual(served, [1])
})

test('FairConsumers.abort() aborts the handlers that run, gives back the rest, and tells nobody', async () => {
  const consumers = new FairConsumers<number>({
    handler: (_, { signal }) => new Promise((_resolve, reject) => { signal.addEventListener('abort', () => reject(signal.reason as Error)) }),
    onError: (error) => assert.fail(error as Error),
  })
  for (const item of [1, 2, 3]) consumers.tryPut(item === 3 ? 'b' : 'a', item)
  await yieldNow()
  assert.deepEqual(consumers.abort(), [2, 3])
  await consumers.drain()
  assert.equal(consumers.statistics().failed, 0)
})

test('FairConsumers.statistics() tell the time in the queue by the clock', async () => {
  const clock = new FakeClock()
  const consumers = new FairConsumers<number>({ handler: () => clock.sleep(100), clock })
  for (let i = 0; i < 3; i++) consumers.tryPut('a', i)
  await clock.advance(300)
  await consumers.drain()
  assert.equal(consumers.statistics().timeInQueue.maxMs, 200)
})

test('FairConsumers lose and double nothing, and keep all bounds, whatever is put, paused and aborted', async () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ queue: fc.constantFrom('a', 'b', 'c'), fails: fc.boolean() }) },
    { weight: 3, arbitrary: fc.constantFrom('turn', 'pause', 'resume', 'give up') },
  )
  const setting = fc.record({ consumers: fc.integer({ min: 1, max: 4 }), perQueue: fc.integer({ min: 1, max: 3 }), capacity: fc.integer({ min: 1, max: 3 }), end: fc.constantFrom('close', 'abort') })
  await fc.assert(fc.asyncProperty(setting, fc.array(step, { maxLength: 80 }), async ({ end, ...options }, steps) => {
    const [accepted, begun] = [new Set<number>(), [] as { id: number, queue: string }[]]
    const running = new Map<string, number>()
    let [all, failures] = [0, 0]
    const consumers = new FairConsumers<{ id: number, fails: boolean }>({
      ...options,
      handler: async ({ id, fails }, { queue }) => {
        begun.push({ id, queue })
        running.set(queue, (running.get(queue) ?? 0) + 1)
        assert.ok(++all <= options.consumers)
        assert.ok((running.get(queue) ?? 0) <= options.perQueue)
        await yieldNow()
        running.set(queue, (running.get(queue) ?? 0) - 1)
        all--
        if (fails) throw new Error('broken')
      },
      onError: (error) => {
        assert.equal((error as Error).message, 'broken')
        failures++
      },
    })
    const [puts, stops] = [[] as Promise<unknown>[], [] as AbortController[]]
    for (const [id, each] of steps.entries()) {
      if (each === 'turn') await yieldNow()
      else if (each === 'pause') void consumers.pause()
      else if (each === 'resume') consumers.resume()
      else if (each === 'give up') stops.pop()?.abort()
      else {
        const stop = new AbortController()
        stops.push(stop)
        puts.push(consumers.put(each.queue, { id, fails: each.fails }, { signal: stop.signal }).then(() => accepted.add(id), () => {}))
      }
      assert.ok(Object.values(consumers.statistics().queues).every(({ size, waitingPuts }) => size <= options.capacity && (waitingPuts === 0 || size === options.capacity)))
    }
    const left = end === 'abort' ? consumers.abort() : []
    await consumers.close()
    await Promise.all(puts)
    const seen = [...begun, ...left].map(({ id }) => id)
    assert.deepEqual([...seen].sort((a, b) => a - b), [...accepted].sort((a, b) => a - b))
    for (const queue of ['a', 'b', 'c']) {
      const order = begun.filter((each) => each.queue === queue).map(({ id }) => id)
      assert.deepEqual(order, [...order].sort((a, b) => a - b))
    }
    const { puts: counted, handled, failed } = consumers.statistics()
    assert.deepEqual([counted, handled, failed], [accepted.size, begun.length, failures])
  }), { numRuns: 100 })
})
