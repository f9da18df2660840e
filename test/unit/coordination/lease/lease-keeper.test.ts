import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { hasCode } from '#src/base/errors.js'
import type { HeldLock, HeldLockEvent } from '#src/coordination/contract.js'
import { LeaseKeeper, type LeaseKeeperOptions } from '#src/coordination/lease/lease-keeper.js'
import type { LeaseTime } from '#src/coordination/lease/lease-time.js'
import { createLock } from '#src/coordination/lease/lock.js'
import { scriptedWorld, type ScriptedStore } from '../../../support/scripted-store.js'

const TTL_MS = 15_000

function world(t: TestContext) {
  const { clock, time, connect, close } = scriptedWorld()
  const keepers: LeaseKeeper[] = []
  t.after(async () => {
    for (const keeper of keepers) await keeper.stop()
    await close()
    await clock.advance(60_000)
    assert.equal(clock.sleepers, 0)
  })
  const member = (memberId: string, options: Partial<LeaseKeeperOptions> = {}): { keeper: LeaseKeeper; store: ScriptedStore } => {
    const store = connect()
    const keeper = new LeaseKeeper(store, { memberId, incarnation: '1', time, random: () => 0.5, record: { host: 'h1', pid: 1 }, ttlMs: TTL_MS, maxTtlMs: 60_000, ...options })
    keepers.push(keeper)
    return { keeper, store }
  }
  return { clock, time, member }
}

function eventsOf(held: HeldLock): HeldLockEvent[] {
  const events: HeldLockEvent[] = []
  for (const event of ['suspect', 'recovered', 'lost', 'overrun'] as const) held.on(event, () => { events.push(event) })
  return events
}

test('LeaseKeeper renews all that is due soon in one command', async (t) => {
  const { clock, member } = world(t)
  const { keeper, store } = member('a')
  const locks = [await createLock(keeper, 'x').acquire()]
  await clock.advance(900)
  locks.push(await createLock(keeper, 'y').acquire())
  await clock.advance(60_000)
  assert.ok(locks.every((lock) => lock.held && !lock.lost.aborted))
  const sizes = store.sent.filter(({ command }) => command === 'extend').map(({ request }) => (request as unknown[]).length)
  assert.deepEqual([...new Set(sizes)], [2])
  assert.ok(sizes.length >= 11 && sizes.length <= 14, `${sizes.length}`)
})

test('LeaseKeeper tries a failed renewal again: suspect, then recovered', async (t) => {
  const { clock, member } = world(t)
  const { keeper, store } = member('a')
  const held = await createLock(keeper, 'x').acquire()
  const events = eventsOf(held)
  store.next('extend', 'fail', 'lose')
  await clock.advance(5_000)
  assert.deepEqual([events, held.held], [['suspect'], true])
  await clock.advance(4_000)
  assert.deepEqual([events, held.held], [['suspect', 'recovered'], true])
})

test('LeaseKeeper counts a lease as lost before anyone else can hold it', async (t) => {
  const { clock, member } = world(t)
  const { keeper, store } = member('a')
  const other = member('b')
  const held = await createLock(keeper, 'x').acquire()
  const events = eventsOf(held)
  const waiting = createLock(other.keeper, 'x').acquire()
  store.always('extend', 'fail')
  const lostAt = new Promise<number>((resolve) => { held.lost.addEventListener('abort', () => { resolve(clock.now()) }) })
  await clock.advance(TTL_MS - 200)
  assert.equal(await lostAt, 14_845 - 2_250)
  assert.deepEqual(events, ['suspect', 'lost'])
  assert.ok(hasCode(held.lost.reason, 'LOCK_LOST'))
  assert.throws(() => { held.assertHeld() }, { code: 'LOCK_LOST', details: { name: 'x', fence: String(held.fence), reason: 'expired' } })
  await clock.advance(1_000)
  assert.ok((await waiting).fence > held.fence)
  assert.equal(await held.release(), false)
})

test('HeldLock.held is exact after a pause, and lost is aborted when it is asked for after the loss', async (t) => {
  const { time, member } = world(t)
  const held = await createLock(member('a').keeper, 'x').acquire()
  time.wallJumpMs = 12_000
  assert.ok(held.held)
  time.wallJumpMs = 13_000
  assert.equal(held.held, false)
  assert.equal(held.remainingMs, 0)
  assert.ok(held.lost.aborted)
  time.wallJumpMs = 0
  assert.equal(held.held, false)
})

test('LeaseKeeper does not revive a lease by a renewal that was answered too late', async (t) => {
  const { clock, member } = world(t)
  const { keeper, store } = member('a')
  const held = await createLock(keeper, 'x').acquire()
  let answer = (): void => undefined
  store.next('extend', new Promise<void>((resolve) => { answer = resolve }))
  await clock.advance(13_000)
  assert.ok(held.lost.aborted)
  answer()
  await clock.advance(500)
  assert.equal(held.held, false)
  assert.equal(await createLock(member('b').keeper, 'x').tryAcquire(), undefined, 'the work has until the deadline to stop')
})

test('LeaseKeeper gives a lost lease back at its deadline, though an unanswered renewal had lengthened it', async (t) => {
  const { clock, member } = world(t)
  const { keeper, store } = member('a')
  await createLock(keeper, 'x').acquire()
  const other = createLock(member('b').keeper, 'x')
  store.always('extend', 'lose')
  await clock.advance(14_800)
  assert.equal(await other.tryAcquire(), undefined)
  await clock.advance(100)
  assert.notEqual(await other.tryAcquire(), undefined)
})

test('LeaseKeeper counts a lease that the store does not have as lost at once', async (t) => {
  const { clock, member } = world(t)
  const lock = createLock(member('a').keeper, 'x')
  const held = await lock.acquire()
  assert.equal(await createLock(member('operator').keeper, 'x').break(), 1)
  await clock.advance(5_100)
  assert.equal((held.lost.reason as { details: { reason: string } }).details.reason, 'gone')
})

test('HeldLock.release() does not throw when the store is away, and is sent again until it is answered', async (t) => {
  const { clock, member } = world(t)
  const { keeper, store } = member('a')
  const held = await createLock(keeper, 'x').acquire()
  store.next('release', 'fail', 'fail')
  assert.equal(await held.release(), true)
  assert.equal(held.held, false)
  assert.throws(() => { held.assertHeld() }, { code: 'LOCK_LOST' })
  assert.equal(held.lost.aborted, false)
  await clock.advance(1_000)
  assert.equal(store.count('release'), 3)
  assert.equal(await held.release(), true)
  assert.notEqual(await createLock(member('b').keeper, 'x').tryAcquire(), undefined)
})

test('HeldLock.release() is false when it was no longer ours', async (t) => {
  const { member } = world(t)
  const { keeper } = member('a')
  const lock = createLock(keeper, 'x')
  const held = await lock.acquire()
  await lock.break()
  assert.equal(await held.release(), false)
})

test('HeldLock.extend() only lengthens, and isStillOwner() asks the store', async (t) => {
  const { clock, member } = world(t)
  const { keeper, store } = member('a')
  const lock = createLock(keeper, 'x')
  const held = await lock.acquire()
  await held.extend(60_000)
  store.always('extend', 'fail')
  await clock.advance(50_000)
  assert.ok(held.held)
  await assert.rejects(held.extend(), { code: 'COORDINATION_UNAVAILABLE' })
  await assert.rejects(held.extend(60_001), RangeError)
  store.always('extend', 'pass')
  assert.equal(await held.isStillOwner(), true)
  await lock.break()
  assert.equal(await held.isStillOwner(), false)
  await assert.rejects(held.extend(), { code: 'LOCK_LOST' })
})

test('HeldLock.transfer() gives it to that member only', async (t) => {
  const { clock, member } = world(t)
  const a = createLock(member('a').keeper, 'x')
  const held = await a.acquire()
  const [b, c] = [createLock(member('b').keeper, 'x').acquire(), createLock(member('c').keeper, 'x').acquire()]
  await clock.advance(10)
  assert.equal(await held.transfer('nobody'), false)
  assert.ok(held.held)
  assert.equal(await held.transfer('c'), true)
  assert.equal(held.held, false)
  const second = await c
  await second.release()
  assert.ok((await b).fence > second.fence)
})

test('HeldLock.transfer() without an answer counts as a loss', async (t) => {
  const { member } = world(t)
  const { keeper, store } = member('a')
  const held = await createLock(keeper, 'x').acquire()
  store.next('release', 'lose')
  await assert.rejects(held.transfer('b'), { code: 'COORDINATION_UNAVAILABLE' })
  assert.equal(held.held, false)
})

test('LeaseKeeper.stop() releases everything, rejects who waits, and takes no more', async (t) => {
  const { clock, member } = world(t)
  const { keeper } = member('a')
  const other = createLock(member('b').keeper, 'y')
  const theirs = await other.acquire()
  const held = await createLock(keeper, 'x').acquire()
  const waiting = assert.rejects(createLock(keeper, 'y').acquire(), { code: 'COORDINATOR_STOPPED' })
  await clock.advance(10)
  await keeper.stop()
  await waiting
  assert.equal((held.lost.reason as { code: string }).code, 'LOCK_LOST')
  await assert.rejects(createLock(keeper, 'z').acquire(), { code: 'COORDINATOR_STOPPED' })
  assert.equal((await other.inspect())?.waiters.length, 0)
  assert.equal(await createLock(member('c').keeper, 'x').inspect(), undefined)
  assert.ok(theirs.held)
  assert.deepEqual(keeper.held, [])
})

test('LeaseKeeper notes each id before it asks, and clears it when the store has nothing of it', async (t) => {
  const { clock, member } = world(t)
  const noted = new Map<number, string>()
  let slots = 0
  const register = { note: (name: string, id: string) => { noted.set(++slots, `${name} ${id}`); return slots }, clear: (slot: number) => { assert.ok(noted.delete(slot)) } }
  const { keeper, store } = member('a', { register })
  const held = await createLock(keeper, 'x').acquire()
  assert.deepEqual([...noted.values()], ['lock:x a#1.1'])
  assert.equal(await createLock(keeper, 'x').tryAcquire(), undefined)
  assert.equal(noted.size, 1)
  store.next('release', 'fail')
  await held.release()
  assert.equal(noted.size, 1)
  await clock.advance(100)
  assert.equal(noted.size, 0)
})

test('LeaseKeeper refuses a record with a field that the store writes', (t) => {
  const { member } = world(t)
  assert.throws(() => member('a', { record: { fence: 1 } }), RangeError)
})

test('LeaseKeeper gives back once what a listener of its loss gives back, too', async (t) => {
  const { clock, time, member } = world(t)
  let stoodStillMs = 0
  const late: LeaseTime = { timer: time.timer.bind(time), mono: () => time.mono() + stoodStillMs, wall: () => time.wall() + stoodStillMs }
  const cleared: number[] = []
  const { keeper, store } = member('a', { time: late, register: { note: () => 7, clear: (slot) => cleared.push(slot) } })
  const held = await createLock(keeper, 'x').acquire()
  store.always('extend', 'fail')
  held.lost.addEventListener('abort', () => { void held.release() })
  // The loop stood still: the loss and the end are seen in one look.
  stoodStillMs = TTL_MS + 1_000
  await clock.advance(2_000)
  assert.deepEqual([held.held, store.count('release'), cleared], [false, 1, [7]])
})

test('HeldLock.transfer() refuses what is no name, and holds on', async (t) => {
  const { keeper } = world(t).member('a')
  const held = await createLock(keeper, 'x').acquire()
  await assert.rejects(held.transfer(''), RangeError)
  await assert.rejects(held.transfer('x'.repeat(513)), RangeError)
  assert.equal(held.held, true)
})
