import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hasCode } from '#src/base/errors.js'
import { ShardedQueue } from '#src/queue/sharded-queue.js'
import { yieldNow } from '#src/queue/yield.js'

interface Item {
  readonly key: string
  readonly id: number
}

const key = (item: Item): string => item.key

test('ShardedQueue keeps the order of each key, and never handles two of one key at once', async () => {
  const [keys, last, busy] = [100, new Map<string, number>(), new Set<string>()]
  let [handled, running, highest] = [0, 0, 0]
  const queue = new ShardedQueue<Item>({
    key, shards: 8, capacity: 64,
    handler: async (item) => {
      assert.ok(!busy.has(item.key), `two of ${item.key} at once`)
      assert.ok((last.get(item.key) ?? -1) < item.id, `${item.key} out of order`)
      busy.add(item.key)
      highest = Math.max(highest, ++running)
      if (item.id % 17 === 0) await yieldNow()
      last.set(item.key, item.id)
      busy.delete(item.key)
      running--
      handled++
    },
  })
  for (let id = 0; id < 100_000; id++) await queue.put({ key: `volume-${(id * 7919) % keys}`, id })
  await queue.close()
  assert.equal(handled, 100_000)
  assert.equal(highest, 8)
})

test('ShardedQueue delays by a slow key its shard only', async () => {
  const [slow, seen] = [resolvers(), [] as string[]]
  const queue = new ShardedQueue<Item>({ key, shards: 4, capacity: 1_000, handler: async (item) => { if (item.key === 'slow') await slow.promise; else seen.push(item.key) } })
  await queue.put({ key: 'slow', id: 0 })
  const names = Array.from({ length: 200 }, (_, id) => `k${id}`)
  for (const [id, name] of names.entries()) await queue.put({ key: name, id })
  for (let turn = 0; turn < 5; turn++) await yieldNow()
  const shard = queue.shardOf('slow')
  assert.deepEqual(new Set(seen), new Set(names.filter((name) => queue.shardOf(name) !== shard)))
  slow.resolve()
  await queue.drain()
  assert.equal(seen.length, 200)
})

test('ShardedQueue.shardOf() spreads keys that are alike evenly', () => {
  const queue = new ShardedQueue<Item>({ key, handler: () => {} })
  const counts = new Map<string, number>()
  for (let id = 0; id < 8_000; id++) counts.set(queue.shardOf(`volume-${id}`), (counts.get(queue.shardOf(`volume-${id}`)) ?? 0) + 1)
  assert.equal(counts.size, 8)
  for (const count of counts.values()) assert.ok(count > 850 && count < 1_150, String(count))
})

test('ShardedQueue bounds each shard, and counts by shard', async () => {
  const queue = new ShardedQueue<Item>({ key: () => 'one', shards: 2, capacity: 2, handler: () => {}, name: 'volumes' })
  await queue.pause()
  assert.deepEqual([0, 1, 2].map((id) => queue.tryPut({ key: 'one', id })), [true, true, false])
  const waiting = queue.put({ key: 'one', id: 3 })
  const shard = queue.shardOf('one')
  assert.deepEqual(queue.statistics().queues[shard], { size: 2, running: 0, waitingPuts: 1, highestSize: 2 })
  queue.resume()
  await waiting
  await queue.drain()
  await queue.close()
  await assert.rejects(queue.put({ key: 'one', id: 4 }), { code: 'QUEUE_CLOSED', message: 'Cannot put into the queue "volumes" as it is closed' })
  assert.equal(queue.statistics().handled, 3)
})

test('ShardedQueue reports the failure of a handler, and does not stop the shard', async () => {
  const [told, done] = [[] as unknown[], [] as number[]]
  const queue = new ShardedQueue<Item>({ key, shards: 1, handler: ({ id }) => { if (id === 1) throw new Error('broken'); done.push(id) }, onError: (error, { id }) => told.push([(error as Error).message, id]) })
  for (const id of [0, 1, 2]) await queue.put({ key: 'a', id })
  await queue.drain()
  assert.deepEqual([told, done], [[['broken', 1]], [0, 2]])
})

test('ShardedQueue keeps order and exclusion for any keys, with any number of shards, consumers and room', async () => {
  const setting = fc.record({ shards: fc.integer({ min: 1, max: 5 }), consumers: fc.integer({ min: 1, max: 5 }), capacity: fc.integer({ min: 1, max: 3 }), abortAt: fc.option(fc.nat(60)) })
  const items = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e'), turns: fc.nat(3) }), { maxLength: 60 })
  await fc.assert(fc.asyncProperty(setting, items, async ({ abortAt, ...options }, list) => {
    const [busy, begun, accepted] = [new Set<string>(), [] as Item[], new Set<number>()]
    const queue = new ShardedQueue<Item & { turns: number }>({
      ...options, key,
      handler: async (item) => {
        assert.ok(!busy.has(item.key))
        busy.add(item.key)
        begun.push(item)
        assert.ok(busy.size <= Math.min(options.consumers, options.shards))
        for (let turn = 0; turn < item.turns; turn++) await yieldNow()
        busy.delete(item.key)
      },
    })
    let left: readonly Item[] = []
    const puts: Promise<unknown>[] = []
    for (const [id, item] of list.entries()) {
      puts.push(queue.put({ ...item, id }).then(() => accepted.add(id), (error: unknown) => assert.ok(hasCode(error, 'QUEUE_CLOSED') || hasCode(error, 'QUEUE_ABORTED'))))
      if (id % 5 === 4) await yieldNow()
      if (id === abortAt) left = queue.abort()
    }
    // Those that wait for room are let in as others go: closing at once would turn them away.
    await queue.drain()
    await queue.close()
    await Promise.all(puts)
    assert.deepEqual([...begun, ...left].map(({ id }) => id).sort((a, b) => a - b), [...accepted].sort((a, b) => a - b))
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      const order = begun.filter((item) => item.key === name).map(({ id }) => id)
      assert.deepEqual(order, [...order].sort((a, b) => a - b))
    }
  }), { numRuns: 100 })
})

function resolvers() {
  let resolve: () => void = () => {}
  const promise = new Promise<void>((resolved) => { resolve = resolved })
  return { promise, resolve: () => resolve() }
}
