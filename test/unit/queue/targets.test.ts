import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { hasCode } from '#src/base/errors.js'
import { Targets } from '#src/queue/targets.js'
import { FakeClock } from '../../support/fake-clock.js'

interface Connection {
  readonly id: number
  readonly target: string
}

function setUp({ fails = () => false }: { fails?: () => boolean } = {}) {
  const clock = new FakeClock()
  const [open, closed] = [new Set<Connection>(), [] as Connection[]]
  let id = 0
  const targets = new Targets<Connection>({
    clock, idleMs: 1_000,
    connect: async (target) => {
      await clock.sleep(10)
      if (fails()) throw new Error('refused')
      const connection = { id: id++, target }
      open.add(connection)
      return connection
    },
    close: async (connection) => {
      await clock.sleep(5)
      assert.ok(open.delete(connection), 'closed twice')
      closed.push(connection)
    },
  })
  return { clock, open, closed, targets }
}

test('Targets give 10,000 clients one connection to each target', async () => {
  const { clock, open, targets } = setUp()
  for (const clients of [1, 100, 10_000]) {
    const leases = Promise.all(Array.from({ length: clients }, (_, client) => targets.acquire(`osd.${client % 10}`)))
    await clock.advance(10)
    assert.equal(open.size, Math.min(clients, 10))
    for (const lease of await leases) lease.release()
  }
  assert.equal(targets.opened, 10)
  const end = targets.close()
  await clock.advance(10)
  await end
  assert.equal(open.size, 0)
  assert.equal(clock.sleepers, 0)
})

test('Targets close a connection that was idle for its time, and not before', async () => {
  const { clock, closed, targets } = setUp()
  const acquired = targets.acquire('a')
  await clock.advance(10)
  const lease = await acquired
  await clock.advance(5_000)
  assert.equal(targets.users('a'), 1)
  lease.release()
  lease.release()
  await clock.advance(900)
  const again = await targets.acquire('a')
  assert.equal(again.connection, lease.connection)
  again.release()
  await clock.advance(999)
  assert.deepEqual(closed, [])
  await clock.advance(10)
  assert.deepEqual(closed, [lease.connection])
  assert.deepEqual([targets.size, clock.sleepers], [0, 0])
})

test('Targets open no second connection while the first is being closed', async () => {
  const { clock, open, targets } = setUp()
  const first = targets.acquire('a')
  await clock.advance(10)
  ;(await first).release()
  await clock.advance(1_001)
  assert.equal(open.size, 1, 'it is being closed')
  const second = targets.acquire('a')
  await clock.advance(5)
  assert.equal(open.size, 0)
  await clock.advance(20)
  assert.equal((await second).connection.id, 1)
})

test('Targets.acquire() fails for all who wait when the connection does, and tries anew for the next', async () => {
  let refuses = true
  const { clock, targets } = setUp({ fails: () => refuses })
  const failed = Promise.allSettled([targets.acquire('a'), targets.acquire('a')])
  await clock.advance(10)
  assert.deepEqual((await failed).map(({ status }) => status), ['rejected', 'rejected'])
  assert.equal(targets.opened, 1)
  refuses = false
  const next = targets.acquire('a')
  await clock.advance(10)
  assert.equal((await next).connection.target, 'a')
})

test('Targets.acquire() ends with its signal, leaves no listener, and the connection stays for the next', async () => {
  const { clock, open, targets } = setUp()
  const stop = new AbortController()
  const left = targets.acquire('a', { signal: stop.signal })
  stop.abort(new Error('enough'))
  await assert.rejects(left, /enough/)
  assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
  await clock.advance(10)
  assert.equal(open.size, 1)
  assert.equal((await targets.acquire('a')).connection.id, 0)
})

test('TargetLease.discard() keeps a broken connection from others, and closes it after its last user', async () => {
  const { clock, closed, targets } = setUp()
  const both = Promise.all([targets.acquire('a'), targets.acquire('a')])
  await clock.advance(10)
  const [one, other] = await both
  one.discard()
  const fresh = targets.acquire('a')
  await clock.advance(10)
  assert.equal((await fresh).connection.id, 1)
  assert.deepEqual(closed, [])
  other.release()
  await clock.advance(5)
  assert.deepEqual(closed.map(({ id }) => id), [0])
})

test('Targets.close() closes each connection once, and gives no more', async () => {
  const { clock, closed, targets } = setUp()
  const acquired = targets.acquire('a')
  await clock.advance(10)
  const lease = await acquired
  const opening = assert.rejects(targets.acquire('b'), (error) => hasCode(error, 'TARGETS_CLOSED'))
  await clock.advance(1)
  const end = targets.close()
  await clock.advance(20)
  await Promise.all([end, opening])
  await lease[Symbol.asyncDispose]()
  await clock.advance(20)
  assert.deepEqual(closed.map(({ target }) => target).sort(), ['a', 'b'])
  await assert.rejects(targets.acquire('a'), (error) => hasCode(error, 'TARGETS_CLOSED'))
})

test('Targets tell onError of a connection that cannot be closed', async () => {
  const told: unknown[] = []
  const error = new Error('broken')
  const targets = new Targets({ connect: () => 'connection', close: () => { throw error }, idleMs: 0, onError: (each) => told.push(each) })
  ;(await targets.acquire('a')).release()
  await targets.close()
  assert.deepEqual(told, [error])
  assert.throws(() => new Targets({ connect: () => 1, close: () => {}, idleMs: -1 }), RangeError)
})
