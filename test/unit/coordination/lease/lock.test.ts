import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { HeldLock } from '#src/coordination/contract.js'
import { LeaseKeeper } from '#src/coordination/lease/lease-keeper.js'
import { createLock } from '#src/coordination/lease/lock.js'
import { readLocks } from '#src/coordination/lease/lock-view.js'
import { createReadWriteLock } from '#src/coordination/lease/read-write-lock.js'
import { createSemaphore } from '#src/coordination/lease/semaphore.js'
import { scriptedWorld } from '../../../support/scripted-store.js'

function world(t: TestContext) {
  const { clock, time, connect, close } = scriptedWorld()
  const store = connect()
  const keeper = new LeaseKeeper(store, { memberId: 'a', incarnation: '1', time, random: () => 0.5, record: { host: 'h1', pid: 7, worker: 'volume/0' }, ttlMs: 15_000, maxTtlMs: 60_000 })
  t.after(async () => {
    await keeper.stop()
    await close()
    await clock.advance(60_000)
    assert.equal(clock.sleepers, 0)
  })
  return { clock, store, keeper, lock: createLock(keeper, 'x') }
}

test('createLock() checks its options', (t) => {
  const { keeper } = world(t)
  for (const options of [{ ttlMs: 249 }, { ttlMs: 60_001 }, { ttlMs: Number.NaN }, { lockDelayMs: -1 }, { lockDelayMs: 3_600_001 }]) assert.throws(() => createLock(keeper, 'x', options), RangeError)
  assert.throws(() => createLock(keeper, ''), RangeError)
  createLock(keeper, 'x', { ttlMs: 250, lockDelayMs: 0 })
})

test('createSemaphore() checks limit and weight', async (t) => {
  const { keeper } = world(t)
  for (const limit of [0, 1.5, 1_000_001]) assert.throws(() => createSemaphore(keeper, 'x', { limit }), RangeError)
  await assert.rejects(createSemaphore(keeper, 'x', { limit: 3 }).acquire({ weight: 4 }), RangeError)
  await assert.rejects(createSemaphore(keeper, 'x', { limit: 3 }).tryAcquire({ weight: 0 }), RangeError)
})

test('Lock.use() gives its work the lock, its result back, and releases', async (t) => {
  const { lock } = world(t)
  assert.equal(await lock.use(async (held) => { assert.ok(held.held); return 42 }), 42)
  assert.equal(await lock.inspect(), undefined)
})

test('Lock.use() within itself takes no other lease, through another Lock too', async (t) => {
  const { keeper, lock, store } = world(t)
  await lock.use(async (outer) => {
    await createLock(keeper, 'y').use(async () => {
      await createLock(keeper, 'x').use((inner) => { assert.equal(inner, outer) })
    })
  })
  assert.equal(store.count('acquire'), 2)
  assert.equal(store.count('release'), 2)
})

test('Lock.use() from another async call waits', async (t) => {
  const { lock, clock } = world(t)
  const order: string[] = []
  const one = lock.use(async () => { order.push('one in'); await clock.sleep(100); order.push('one out') })
  const two = lock.use(() => { order.push('two in') })
  await clock.advance(200)
  await Promise.all([one, two])
  assert.deepEqual(order, ['one in', 'one out', 'two in'])
})

test('Lock.use() after a release inside takes a lease of its own', async (t) => {
  const { lock } = world(t)
  await lock.use(async (held) => {
    assert.equal(await held.release(), true)
    await lock.use((own) => { assert.ok(own.fence > held.fence) })
  })
})

test('Lock.use() rejects with the error of its work, also when the release fails', async (t) => {
  const { lock, store, clock } = world(t)
  store.next('release', 'fail')
  await assert.rejects(lock.use(() => { throw new Error('mine') }), /mine/)
  await clock.advance(1_000)
  assert.equal(await lock.inspect(), undefined)
})

test('Lock.use() rejects with LOCK_LOST when the lease was lost meanwhile, with the error of the work as its cause', async (t) => {
  const { lock, store, clock } = world(t)
  store.always('extend', 'fail')
  const failing = assert.rejects(lock.use(async (held) => { await clock.sleep(60_000, held.lost).catch(() => { throw new Error('half done') }) }), (error: { code: string; cause: Error }) => error.code === 'LOCK_LOST' && error.cause.message === 'half done')
  await clock.advance(20_000)
  await failing
  const passing = assert.rejects(lock.use(() => clock.sleep(13_000)), { code: 'LOCK_LOST' })
  const stopping = clock.advance(20_000)
  await passing
  await stopping
})

test('Lock.use() rejects with LOCK_LOST when the lock was broken under it', async (t) => {
  const { lock } = world(t)
  await assert.rejects(lock.use(async () => { await lock.break() }), { code: 'LOCK_LOST' })
})

test('Lock.use() tells of an overrun at the deadline, and kills this process when asked to', async (t) => {
  const { keeper, store, clock } = world(t)
  const kill = t.mock.method(process, 'kill', () => true)
  store.always('extend', 'fail')
  for (const overrun of ['warn', 'kill'] as const) {
    const overruns: number[] = []
    const start = clock.now()
    const done = assert.rejects(createLock(keeper, overrun, { overrun }).use((held) => { held.on('overrun', () => { overruns.push(clock.now() - start) }); return clock.sleep(20_000) }), { code: 'LOCK_LOST' })
    await clock.advance(14_000)
    assert.deepEqual(overruns, [])
    await clock.advance(7_000)
    await done
    assert.deepEqual(overruns, [14_845])
  }
  assert.deepEqual(kill.mock.calls.map((call) => call.arguments), [[process.pid, 'SIGKILL']])
})

test('ReadWriteLock lets readers share and a writer alone, and a queued writer is not overtaken', async (t) => {
  const { keeper, clock } = world(t)
  const { read, write } = createReadWriteLock(keeper, 'x')
  const readers = [await read.acquire(), await read.acquire()]
  const order: string[] = []
  const enter = (name: string) => async (held: HeldLock): Promise<void> => { order.push(name); await clock.sleep(10); await held.release() }
  const writer = write.acquire().then(enter('writer'))
  await clock.advance(10)
  assert.equal(await read.tryAcquire(), undefined)
  const late = read.acquire().then(enter('reader'))
  for (const reader of readers) await reader.release()
  await clock.advance(100)
  await Promise.all([writer, late])
  assert.deepEqual(order, ['writer', 'reader'])
})

test('ReadWriteLock.write.use() within its own reader is a TypeError, a reader within a writer is covered', async (t) => {
  const { keeper } = world(t)
  const { read, write } = createReadWriteLock(keeper, 'x')
  await assert.rejects(read.use(() => write.use(() => undefined)), TypeError)
  await write.use((outer) => read.use((inner) => { assert.equal(inner, outer) }))
})

test('Semaphore gives out its permits by weight, and a big request is not overtaken', async (t) => {
  const { keeper, clock } = world(t)
  const semaphore = createSemaphore(keeper, 'x', { limit: 3 })
  const two = await semaphore.acquire({ weight: 2 })
  const all = semaphore.acquire({ weight: 3 })
  await clock.advance(10)
  assert.equal(await semaphore.tryAcquire(), undefined)
  await two.release()
  await (await all).release()
  assert.notEqual(await semaphore.tryAcquire({ weight: 3 }), undefined)
})

test('Lock.inspect() and readLocks() show who holds and who waits', async (t) => {
  const { lock, store, clock } = world(t)
  const held = await lock.acquire()
  const waiting = assert.rejects(lock.acquire({ timeoutMs: 1_000 }), { code: 'LOCK_TIMEOUT' })
  await clock.advance(10)
  const view = await lock.inspect()
  assert.deepEqual(await readLocks(store), [view])
  assert.deepEqual(view?.holders.map(({ memberId, fence, host, pid, worker }) => ({ memberId, fence, host, pid, worker })), [{ memberId: 'a', fence: held.fence, host: 'h1', pid: 7, worker: 'volume/0' }])
  assert.deepEqual([view.name, view.capacity, view.waiters], ['x', 1, [{ memberId: 'a', weight: 1 }]])
  await clock.advance(1_000)
  await waiting
})
