import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BoundedQueue } from '#src/queue/bounded-queue.js'
import { TaskPool } from '#src/queue/task-pool.js'
import { yieldNow } from '#src/queue/yield.js'

test('TaskPool.imap() gives results in the order of the items, from any source', async () => {
  const pool = new TaskPool({ size: 3 })
  const slowFirst = async (item: number): Promise<number> => {
    for (let turn = 0; turn < 10 - item; turn++) await yieldNow()
    return item * item
  }
  async function* source() { for (let item = 0; item < 10; item++) yield item }
  const squares = Array.from({ length: 10 }, (_, item) => item * item)
  assert.deepEqual(await collect(pool.imap(slowFirst, source())), squares)
  assert.deepEqual(await collect(pool.imap(slowFirst, squares.map((_, item) => item))), squares)
  assert.deepEqual(await collect(pool.imap(slowFirst, [])), [])
})

test('TaskPool.starmap() spreads each item over the arguments', async () => {
  const pool = new TaskPool({ size: 3 })
  assert.deepEqual(await collect(pool.starmap(async (a: number, b: string) => `${a}${b}`, [[1, 'a'], [2, 'b']])), ['1a', '2b'])
})

test('TaskPool.imap() reads on only as results are fetched', async () => {
  await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), async (size, window) => {
    const pool = new TaskPool({ size })
    const counts = { read: 0, fetched: 0, running: 0 }
    function* source() {
      for (let item = 0; item < 20; item++) {
        counts.read++
        // The last one that was given may still be in the hand of the one who fetched it.
        assert.ok(counts.read - counts.fetched <= window + 1, `${counts.read} read, ${counts.fetched} fetched`)
        yield item
      }
    }
    const results = pool.imap(async (item) => {
      assert.ok(++counts.running <= size)
      await yieldNow()
      counts.running--
      return item
    }, source(), { window })
    for await (const item of results) {
      assert.equal(item, counts.fetched++)
      if (item % 5 === 0) await settle()
    }
    assert.equal(counts.fetched, 20)
  }), { numRuns: 16 })
})

test('TaskPool.imap() ends with the first failure, in its place, and aborts what is under way', async () => {
  const pool = new TaskPool({ size: 4, onError: (error) => assert.fail(error as Error) })
  const aborted: number[] = []
  let closed = false
  function* source() { try { for (let item = 0; ; item++) yield item } finally { closed = true } }
  const got: number[] = []
  const results = pool.imap(async (item: number, { signal }) => {
    if (item === 2) throw new Error('broken')
    if (item < 2) return item
    await new Promise((_, reject) => { signal.addEventListener('abort', () => { aborted.push(item); reject(signal.reason as Error) }) })
    return item
  }, source())
  await assert.rejects(async () => { for await (const item of results) got.push(item) }, /broken/)
  await pool.waitAll()
  assert.deepEqual(got, [0, 1])
  assert.ok(aborted.length > 0 && aborted.every((item) => item > 2))
  assert.equal(closed, true)
})

test('TaskPool.imap() goes on after failures when results are to be settled', async () => {
  const pool = new TaskPool({ size: 2 })
  const error = new Error('broken')
  const results = await collect(pool.imap((item: number) => { if (item === 1) throw error; return item }, [0, 1, 2], { settled: true }))
  assert.deepEqual(results, [{ status: 'fulfilled', value: 0 }, { status: 'rejected', reason: error }, { status: 'fulfilled', value: 2 }])
})

test('TaskPool.imap() rejects with the failure of its source after the results before it, and with the reason of its signal', async () => {
  const pool = new TaskPool({ size: 2 })
  function* source() { yield 1; yield 2; throw new Error('source is broken') }
  const got: number[] = []
  await assert.rejects(async () => { for await (const item of pool.imap((each: number) => each, source())) got.push(item) }, /source is broken/)
  assert.deepEqual(got, [1, 2])
  const stop = new AbortController()
  const endless = new BoundedQueue<number>({ capacity: 1 })
  const step = pool.imap((each: number) => each, endless, { signal: stop.signal }).next()
  stop.abort(new Error('enough'))
  await assert.rejects(step, /enough/)
  await settle()
  assert.equal(endless.waitingTakes, 0)
})

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}
