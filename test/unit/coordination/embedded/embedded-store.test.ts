import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { hasCode } from '#src/base/errors.js'
import { EmbeddedStore } from '#src/coordination/embedded/embedded-store.js'
import type { AcquireRequest, CoordinationStore } from '#src/coordination/store.js'
import { FakeClock } from '../../../support/fake-clock.js'

const START_MS = 1_700_000_000_000

function open(context: TestContext, { quarantineMs = 0, clock = new FakeClock(), wallMs = START_MS } = {}) {
  const store = new EmbeddedStore({ clock, wallClock: () => wallMs, quarantineMs })
  context.after(() => store.close())
  return { store, clock }
}

function request(id: string, more: Partial<AcquireRequest> = {}): AcquireRequest {
  return { name: 'lock:a', id, weight: 1, capacity: 1, ttlMs: 1_000, lockDelayMs: 0, waitMs: 10_000, record: '{}', ...more }
}

function wakesOf(store: CoordinationStore): string[] {
  const wakes: string[] = []
  store.onWake((id) => wakes.push(id))
  return wakes
}

describe('EmbeddedStore', () => {
  test('keeps no timer when the last client has gone', async (context) => {
    const { store, clock } = open(context)
    const client = store.client('only')
    await client.acquire(request('only#1'))
    await client.release({ name: 'lock:a', id: 'only#1' })
    await client.close()
    assert.equal(clock.sleepers, 0)
  })

  test('wakes the head of another client when a lease is given back', async (context) => {
    const { store } = open(context)
    const other = store.client('other')
    const wakes = wakesOf(other)
    await store.acquire(request('a#1'))
    assert.equal((await other.acquire(request('b#1'))).status, 'busy')
    await store.release({ name: 'lock:a', id: 'a#1' })
    assert.deepEqual(wakes, ['b#1'])
    assert.equal((await other.acquire(request('b#1'))).status, 'granted')
  })

  test('wakes the head by itself when the lease ends, and when the lock delay ends', async (context) => {
    const { store, clock } = open(context)
    const wakes = wakesOf(store)
    await store.acquire(request('a#1', { lockDelayMs: 500 }))
    await store.acquire(request('b#1'))
    await clock.advance(1_499)
    assert.deepEqual(wakes, [])
    await clock.advance(1)
    assert.deepEqual(wakes, ['b#1'])
  })

  test('wakes the next when a head that was woken does not come', async (context) => {
    const { store, clock } = open(context)
    const wakes = wakesOf(store)
    await store.acquire(request('a#1'))
    await store.acquire(request('b#1', { waitMs: 3_000 }))
    await store.acquire(request('c#1'))
    await clock.advance(3_000)
    assert.deepEqual(wakes, ['b#1', 'c#1'])
  })

  test('sets its timer anew for a lease that ends sooner', async (context) => {
    const { store, clock } = open(context)
    const wakes = wakesOf(store)
    await store.acquire(request('a#1', { name: 'lock:long', ttlMs: 60_000 }))
    await store.acquire(request('a#2', { ttlMs: 100 }))
    await store.acquire(request('b#1'))
    assert.equal(clock.sleepers, 1)
    await clock.advance(100)
    assert.deepEqual(wakes, ['b#1'])
  })

  test('tells of a leader whose lease ended, and of groups', async (context) => {
    const { store, clock } = open(context)
    const told: string[] = []
    const end = await store.subscribe('leader:a', () => told.push('leader'))
    await store.subscribe('group:g', () => told.push('group'))
    await store.acquire(request('a#1', { name: 'leader:a' }))
    await clock.advance(1_000)
    assert.deepEqual(told, ['leader', 'leader'])
    await store.beat([{ group: 'g', member: 'm', ttlMs: 1_000, record: undefined, keep: false }])
    assert.deepEqual(told, ['leader', 'leader', 'group'])
    end()
    await store.acquire(request('a#2', { name: 'leader:a' }))
    assert.equal(told.length, 3)
  })

  test('grants nothing in quarantine', async (context) => {
    const { store, clock } = open(context, { quarantineMs: 400 })
    assert.deepEqual(await store.acquire(request('a#1')), { status: 'quarantined', leftMs: 400 })
    assert.equal((await store.status()).quarantinedMs, 400)
    await clock.advance(400)
    assert.equal((await store.acquire(request('a#1'))).status, 'granted')
    assert.equal((await store.status()).quarantinedMs, 0)
  })

  test('gives greater fences than the store before it', async (context) => {
    const before = await open(context).store.acquire(request('a#1'))
    const after = await open(context, { wallMs: START_MS + 1 }).store.acquire(request('a#1'))
    assert.ok(before.status === 'granted' && after.status === 'granted' && after.fence > before.fence)
  })

  test('close() ends its timer and rejects what comes later', async (context) => {
    const { store, clock } = open(context)
    const other = store.client('other')
    await store.acquire(request('a#1'))
    await store.close()
    assert.equal(clock.sleepers, 0)
    for (const client of [store, other]) {
      await assert.rejects(client.acquire(request('b#1')), (error) => hasCode(error, 'COORDINATION_UNAVAILABLE'))
      assert.equal((await client.status()).connected, false)
    }
  })
})

describe('EmbeddedClient.disconnect()', () => {
  test('releases what it holds, uncleanly, and takes its waiters out', async (context) => {
    const { store, clock } = open(context)
    const wakes = wakesOf(store)
    const dying = store.client('dying')
    await dying.acquire(request('a#1', { lockDelayMs: 200 }))
    await dying.acquire(request('a#2'))
    await store.acquire(request('b#1'))
    dying.disconnect()
    const resource = await store.readResource('lock:a')
    assert.deepEqual([resource?.holders, resource?.waiters.map(({ id }) => id), resource?.closedMs], [[], ['b#1'], 200])
    assert.match(resource?.last ?? '', /^died a#1 fence /)
    await clock.advance(200)
    assert.deepEqual(wakes, ['b#1'])
    assert.equal(store.requests, 1)
  })

  test('ends its subscriptions and its use', async (context) => {
    const { store } = open(context)
    const dying = store.client('dying')
    let told = 0
    await dying.subscribe('group:g', () => told++)
    dying.disconnect()
    await store.beat([{ group: 'g', member: 'm', ttlMs: 1_000, record: undefined, keep: false }])
    assert.equal(told, 0)
    await assert.rejects(dying.readGroup('g'), (error) => hasCode(error, 'COORDINATION_UNAVAILABLE'))
  })

  test('leaves alone what was given back, has ended, or was adopted by another', async (context) => {
    const { store, clock } = open(context)
    const dying = store.client('dying')
    await dying.acquire(request('a#1', { name: 'lock:adopted', ttlMs: 60_000 }))
    await store.acquire(request('a#1', { name: 'lock:adopted' }))
    await dying.acquire(request('a#2'))
    await dying.release({ name: 'lock:a', id: 'a#2' })
    await dying.acquire(request('a#3', { name: 'lock:over', lockDelayMs: 5_000 }))
    await clock.advance(6_000)
    dying.disconnect()
    assert.equal((await store.readResource('lock:adopted'))?.holders.length, 1)
    assert.equal((await store.readResource('lock:a'))?.last, '')
    assert.match((await store.readResource('lock:over'))?.last ?? '', /^expired a#3 /)
    assert.equal(store.requests, 1)
  })
})
