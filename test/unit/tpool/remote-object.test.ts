import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { withOptions } from '#src/tpool/remote-module.js'
import { until } from '../../support/processes.js'
import { blockingPool, Gate } from './blocking-pool.js'

describe('a remote object', () => {
  test('is constructed in a thread, stays on it, and is disposed there', async (context) => {
    const { remote } = await blockingPool(context, { threads: 2 })
    const ctx = await remote.Context.create('volumes')
    let kept
    {
      await using image = await remote.Image.create(ctx, 'i1')
      kept = image
      assert.equal(await image.threadOf(), await ctx.threadOf())
      assert.equal(await image.id, 'volumes/i1')
      assert.equal(await image.resize(10), 10)
      assert.equal(await image.size, 10)
    }
    await assert.rejects(kept.threadOf(), { code: 'REMOTE_OBJECT_DISPOSED' })
    await assert.rejects(remote.Image.create(ctx, 'i2').then((image) => image.cloneTo(kept)), { code: 'REMOTE_OBJECT_DISPOSED' })
    await kept[Symbol.asyncDispose]()
  })

  test('is disposed by the method that the option names', async (context) => {
    const { remote } = await blockingPool(context, { threads: 1 }, { dispose: 'close' })
    const ctx = await remote.Context.create('volumes')
    await ctx[Symbol.asyncDispose]()
    assert.deepEqual(await remote.disposed(), ['context volumes'])
  })

  test('is returned by methods and static methods, the same one each time', async (context) => {
    const { remote } = await blockingPool(context, { threads: 1 })
    const ctx = await remote.Context.create('volumes')
    const image = await ctx.open('i1')
    assert.equal(await image.self(), image)
    assert.equal(await image.context, ctx)
    const other = await remote.Image.open(ctx, 'i2')
    assert.equal(await image.cloneTo(other), 'volumes/i1 -> volumes/i2')
    assert.equal(await remote.Image.format, 2)
  })

  test('of a class that is not exported needs the option `remote`', async (context) => {
    const { pool, remote } = await blockingPool(context, { threads: 1 }, { remote: ['Snapshot'] })
    const image = await remote.Image.create(await remote.Context.create('volumes'), 'i1')
    const snapshot = await image.snapshots()
    assert.deepEqual([await snapshot.size(), await snapshot.name], [7, 's1'])
    assert.equal(pool.stats().objects, 3)
  })

  test('that could not be constructed leaves nothing behind', async (context) => {
    const { pool, remote } = await blockingPool(context, { threads: 1 })
    await assert.rejects(remote.Context.create('missing'), { code: 'POOL_MISSING' })
    assert.equal(pool.stats().objects, 0)
    assert.deepEqual(await remote.disposed(), [])
  })

  test('goes to the thread with the fewest, one a thread at first', async (context) => {
    const { remote } = await blockingPool(context, { threads: 3 })
    const threads: number[] = []
    for (let i = 0; i < 6; i++) threads.push(await (await remote.Context.create(`p${i}`)).threadOf())
    assert.deepEqual([new Set(threads.slice(0, 3)).size, new Set(threads.slice(3)).size], [3, 3])
  })

  test('of two threads in one call is refused', async (context) => {
    const { remote } = await blockingPool(context, { threads: 2 })
    const one = await (await remote.Context.create('a')).open('i1')
    const other = await (await remote.Context.create('b')).open('i2')
    await assert.rejects(one.cloneTo(other), { code: 'REMOTE_OBJECTS_APART' })
  })

  test('is lost with its thread; those of other threads are not', async (context) => {
    const { remote } = await blockingPool(context, { threads: 2 })
    const one = await (await remote.Context.create('a')).open('i1')
    const other = await remote.Context.create('b')
    const stop = new AbortController()
    const gate = new Gate()
    const waits = withOptions(one, { signal: stop.signal }).wait(gate.words)
    const behind = one.threadOf()
    await until('it waits', () => gate.waiting === 1)
    stop.abort(new Error('enough'))
    await assert.rejects(waits, { message: 'enough' })
    await assert.rejects(behind, { code: 'REMOTE_OBJECT_LOST' })
    await assert.rejects(one.threadOf(), { code: 'REMOTE_OBJECT_LOST' })
    await one[Symbol.asyncDispose]()
    assert.equal(await other.pool, 'b')
  })

  test('cannot be set from here, and is no promise', async (context) => {
    const { remote } = await blockingPool(context, { threads: 1 })
    const ctx = await remote.Context.create('a')
    assert.throws(() => { (ctx as unknown as { pool: string }).pool = 'b' }, TypeError)
    assert.equal('then' in ctx, false)
    assert.equal(await Promise.resolve(ctx), ctx)
  })
})

describe('a remote iterable', () => {
  test('takes nothing from a generator before it is asked for, and finishes it when left', async (context) => {
    const { remote } = await blockingPool(context, { threads: 1 })
    const seen: number[] = []
    for await (const item of await remote.count(1_000)) {
      seen.push(item)
      assert.deepEqual(await remote.counted(), [item + 1, 0])
      if (item === 2) break
    }
    assert.deepEqual(seen, [0, 1, 2])
    assert.deepEqual(await remote.counted(), [3, 1])
  })

  test('reads ahead no further than it may', async (context) => {
    const { remote } = await blockingPool(context, { threads: 1 })
    const items = await withOptions(remote, { readAhead: 3 }).count(1_000)
    assert.equal((await items.next()).value, 0)
    assert.ok((await remote.counted())[0] <= 4)
    await items.return()
    assert.equal((await remote.counted())[1], 1)
  })

  test('gives all items of an empty, a short and an async one, and its error', async (context) => {
    const { remote } = await blockingPool(context, { threads: 1 })
    const collect = async (items: AsyncIterable<number>): Promise<number[]> => {
      const all: number[] = []
      for await (const item of items) all.push(item)
      return all
    }
    assert.deepEqual(await collect(await remote.count(0)), [])
    assert.deepEqual(await collect(await withOptions(remote, { readAhead: 10 }).count(25)), Array.from({ length: 25 }, (_, i) => i))
    assert.deepEqual(await collect(await remote.countLater(3)), [0, 1, 2])
    await assert.rejects(remote.countLater(5).then(collect), { code: 'COUNT_ENDED' })
  })

  test('may be an object itself', async (context) => {
    const { remote } = await blockingPool(context, { threads: 1 })
    const image = await (await remote.Context.create('a')).open('i1')
    const names: string[] = []
    for await (const name of image) names.push(name)
    assert.deepEqual(names, ['a/i1@a', 'a/i1@b'])
  })
})
