import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { LeaseKeeper } from '#src/coordination/lease/lease-keeper.js'
import { createLock } from '#src/coordination/lease/lock.js'
import { createSemaphore } from '#src/coordination/lease/semaphore.js'
import { scriptedWorld, type ScriptedStore } from '../../../support/scripted-store.js'

function world(t: TestContext, options: { readonly quarantineMs?: number } = {}) {
  const { clock, time, connect, close } = scriptedWorld(options)
  const keepers: LeaseKeeper[] = []
  t.after(async () => {
    for (const keeper of keepers) await keeper.stop()
    await close()
    await clock.advance(60_000)
    assert.equal(clock.sleepers, 0)
  })
  const member = (memberId: string): { keeper: LeaseKeeper; store: ScriptedStore } => {
    const store = connect()
    const keeper = new LeaseKeeper(store, { memberId, incarnation: '1', time, random: () => 0.5, record: {}, ttlMs: 15_000, maxTtlMs: 60_000 })
    keepers.push(keeper)
    return { keeper, store }
  }
  return { clock, member }
}

test('acquire() is woken in the order of asking', async (t) => {
  const { clock, member } = world(t)
  const { keeper, store } = member('a')
  const lock = createLock(keeper, 'x')
  const first = await lock.acquire()
  const order: number[] = []
  const waiting = [1, 2, 3].map(async (n) => {
    await using held = await lock.acquire()
    order.push(n)
    assert.ok(held.held)
  })
  await clock.advance(100)
  await first.release()
  await Promise.all(waiting)
  assert.deepEqual(order, [1, 2, 3])
  assert.equal(store.count('acquire'), 1 + 2 * 3)
})

test('acquire() asks again by itself when wake-ups are lost, and after a gap', async (t) => {
  const { clock, member } = world(t)
  const theirs = await createLock(member('a').keeper, 'x').acquire()
  const { keeper, store } = member('b')
  store.deaf = true
  const waiting = createLock(keeper, 'x').acquire()
  await clock.advance(100)
  await theirs.release()
  const asked = store.count('acquire')
  store.gap()
  const held = await waiting
  assert.equal(store.count('acquire'), asked + 1)
  const next = createLock(keeper, 'x').acquire()
  await clock.advance(10)
  await held.release()
  await clock.advance(3_300)
  assert.ok((await next).held)
})

test('acquire() with timeoutMs rejects with LOCK_TIMEOUT and leaves nothing behind', async (t) => {
  const { clock, member } = world(t)
  const lock = createLock(member('a').keeper, 'x')
  await lock.acquire()
  const late = assert.rejects(createLock(member('b').keeper, 'x').acquire({ timeoutMs: 5_000 }), { code: 'LOCK_TIMEOUT', details: { name: 'x', timeoutMs: 5_000 } })
  await clock.advance(4_999)
  assert.equal((await lock.inspect())?.waiters.length, 1)
  await clock.advance(2)
  await late
  assert.equal((await lock.inspect())?.waiters.length, 0)
})

test('acquire() with timeoutMs 0 tries once', async (t) => {
  const { member } = world(t)
  const { keeper, store } = member('a')
  const lock = createLock(keeper, 'x')
  await lock.acquire({ timeoutMs: 0 })
  await assert.rejects(lock.acquire({ timeoutMs: 0 }), { code: 'LOCK_TIMEOUT' })
  assert.equal(store.count('acquire'), 2)
  store.next('acquire', 'fail')
  await assert.rejects(lock.acquire({ timeoutMs: 0 }), { code: 'COORDINATION_UNAVAILABLE' })
})

test('acquire() rejects with the reason of its signal, even while it waits for an answer', async (t) => {
  const { clock, member } = world(t)
  const { keeper, store } = member('a')
  const lock = createLock(keeper, 'x')
  const stop = new AbortController()
  let answer = (): void => undefined
  store.next('acquire', new Promise<void>((resolve) => { answer = resolve }))
  const waiting = assert.rejects(lock.acquire({ signal: stop.signal }), /enough/)
  await clock.advance(10)
  stop.abort(new Error('enough'))
  await waiting
  answer()
  await clock.advance(10)
  assert.equal(await lock.inspect(), undefined)
  await assert.rejects(lock.acquire({ signal: stop.signal }), /enough/)
})

test('acquire() goes on when the store is away, and gets what an unanswered attempt was granted', async (t) => {
  const { clock, member } = world(t)
  const { keeper, store } = member('a')
  store.next('acquire', 'fail', 'lose')
  const waiting = createLock(keeper, 'x').acquire()
  await clock.advance(500)
  const held = await waiting
  assert.ok(held.held)
  assert.equal(store.count('acquire'), 3)
  assert.equal(new Set(store.sent.map(({ request }) => (request as { id: string }).id)).size, 1)
})

test('tryAcquire() rejects when the store does not answer, and gives back what it may have got', async (t) => {
  const { clock, member } = world(t)
  const { keeper, store } = member('a')
  const lock = createLock(keeper, 'x')
  store.next('acquire', 'lose')
  await assert.rejects(lock.tryAcquire(), { code: 'COORDINATION_UNAVAILABLE' })
  await clock.advance(1)
  assert.equal(await lock.inspect(), undefined)
})

test('acquire() asks under a new id when the grant came too late to be of use', async (t) => {
  const { clock, member } = world(t)
  const { keeper, store } = member('a')
  let answer = (): void => undefined
  store.next('acquire', new Promise<void>((resolve) => { answer = resolve }))
  const waiting = createLock(keeper, 'x').acquire()
  await clock.advance(14_000)
  answer()
  const held = await waiting
  assert.ok(held.held)
  assert.deepEqual(store.sent.filter(({ command }) => command === 'acquire').map(({ request }) => (request as { id: string }).id), ['a#1.1', 'a#1.2'])
  assert.equal((await createLock(keeper, 'x').inspect())?.holders.length, 1)
})

test('acquire() waits for the end of a quarantine; tryAcquire() does not', async (t) => {
  const { clock, member } = world(t, { quarantineMs: 8_000 })
  const lock = createLock(member('a').keeper, 'x')
  assert.equal(await lock.tryAcquire(), undefined)
  const waiting = lock.acquire()
  await clock.advance(9_000)
  assert.ok((await waiting).held)
})

test('acquire() refuses another limit than that of the other users', async (t) => {
  const { member } = world(t)
  const { keeper } = member('a')
  await createLock(keeper, 'x').acquire()
  await assert.rejects(createSemaphore(keeper, 'x', { limit: 3 }).acquire(), { code: 'LOCK_CAPACITY_MISMATCH', details: { name: 'x', limit: 3, capacity: 1 } })
  await assert.rejects(createSemaphore(keeper, 'x', { limit: 3 }).tryAcquire(), { code: 'LOCK_CAPACITY_MISMATCH' })
})
