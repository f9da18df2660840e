import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { RedisStore, type RedisStoreOptions } from '#src/coordination/redis/redis-store.js'
import type { AcquireReply, AcquireRequest } from '#src/coordination/store.js'
import { DirectRedisPort } from '../support/direct-redis-port.js'
import { until } from '../support/processes.js'
import { RedisServer } from '../support/redis.js'

const START_MS = 1_800_000_000_000

describe('RedisStore', () => {
  let server: RedisServer
  let port: DirectRedisPort
  let store: RedisStore
  let nowMs: number
  let woken: string[]

  before(async () => { server = await RedisServer.start() })
  after(() => server.stop())

  beforeEach(async () => {
    await server.command('FLUSHALL')
    port = await DirectRedisPort.connect(server.port)
    nowMs = START_MS
    woken = []
    store = open({ now: () => nowMs * 1_000 })
  })
  afterEach(() => port.close())

  function open(options: RedisStoreOptions): RedisStore {
    const opened = new RedisStore(port, options)
    opened.onWake((id) => woken.push(id))
    return opened
  }

  const acquire = (id: string, changes: Partial<AcquireRequest> = {}): Promise<AcquireReply> =>
    store.acquire({ name: 'lock:a', id, weight: 1, capacity: 1, ttlMs: 1_000, lockDelayMs: 0, waitMs: 0, record: '{"host":"h1"}', ...changes })
  const statusOf = async (id: string, changes?: Partial<AcquireRequest>): Promise<string> => (await acquire(id, changes)).status
  const wakes = (...ids: readonly string[]): Promise<unknown> => until(`woken: ${ids.join()}`, () => woken.join() === ids.join())
  const last = async (): Promise<string | undefined> => (await store.readResource('lock:a'))?.last
  const queue = async (): Promise<readonly string[]> => (await store.readResource('lock:a'))?.waiters.map(({ id }) => id) ?? []

  describe('acquire()', () => {
    test('grants once, with a fence of the clock, and repeats the answer to the same id', async () => {
      assert.deepEqual(await acquire('m#1'), { status: 'granted', fence: BigInt(START_MS) * 1_000n, leftMs: 1_000, replayed: false })
      nowMs += 300
      assert.deepEqual(await acquire('m#1'), { status: 'granted', fence: BigInt(START_MS) * 1_000n, leftMs: 700, replayed: true })
      assert.deepEqual(await acquire('m#2'), { status: 'busy', position: -1, queued: 0, retryMs: 700 })
    })

    test('gives fences that grow when the clock goes back', async () => {
      await acquire('m#1')
      await store.release({ name: 'lock:a', id: 'm#1' })
      nowMs -= 3_600_000
      assert.deepEqual(await acquire('m#2'), { status: 'granted', fence: BigInt(START_MS) * 1_000n + 1n, leftMs: 1_000, replayed: false })
    })

    test('uses the clock of the server', async () => {
      store = open({})
      const reply = await acquire('m#1')
      assert.ok(reply.status === 'granted' && Math.abs(Number(reply.fence) / 1_000 - Date.now()) < 5_000)
    })

    test('keeps to the order of asking, and lets nobody who only tries past the queue', async () => {
      await acquire('m#1')
      assert.deepEqual(await acquire('m#2', { waitMs: 500 }), { status: 'busy', position: 0, queued: 1, retryMs: 1_000 })
      assert.deepEqual(await acquire('m#3', { waitMs: 500 }), { status: 'busy', position: 1, queued: 2, retryMs: 1_000 })
      await store.release({ name: 'lock:a', id: 'm#1' })
      await wakes('m#2')
      assert.deepEqual(await acquire('m#4'), { status: 'busy', position: -1, queued: 2, retryMs: 500 })
      assert.equal(await statusOf('m#3', { waitMs: 500 }), 'busy')
      assert.equal(await statusOf('m#2', { waitMs: 500 }), 'granted')
      assert.deepEqual(await queue(), ['m#3'])
    })

    test('lets no reader past a waiting writer, and readers in together', async () => {
      await acquire('r#1', { capacity: 10 })
      assert.equal(await statusOf('w#1', { capacity: 10, weight: 10, waitMs: 900 }), 'busy')
      assert.equal(await statusOf('r#2', { capacity: 10, waitMs: 900 }), 'busy')
      assert.equal(await statusOf('r#3', { capacity: 10, waitMs: 900 }), 'busy')
      await store.release({ name: 'lock:a', id: 'r#1' })
      await wakes('w#1')
      assert.equal(await statusOf('w#1', { capacity: 10, weight: 10, waitMs: 900 }), 'granted')
      await store.release({ name: 'lock:a', id: 'w#1' })
      await wakes('w#1', 'r#2', 'r#3')
      assert.equal(await statusOf('r#2', { capacity: 10 }), 'granted')
      await wakes('w#1', 'r#2', 'r#3', 'r#3')
      assert.equal(await statusOf('r#3', { capacity: 10 }), 'granted')
    })

    test('refuses another capacity while something is held or awaited', async () => {
      await acquire('m#1', { capacity: 2 })
      assert.deepEqual(await acquire('m#2', { capacity: 3 }), { status: 'mismatch', capacity: 2 })
      await acquire('m#2', { capacity: 2, weight: 2, waitMs: 500 })
      await store.release({ name: 'lock:a', id: 'm#1' })
      assert.deepEqual(await acquire('m#3', { capacity: 3 }), { status: 'mismatch', capacity: 2 })
      nowMs += 500
      assert.equal(await statusOf('m#3', { capacity: 3 }), 'granted')
    })

    test('ends a lease that ran out, begins its lock delay and wakes the head', async () => {
      await acquire('m#1', { lockDelayMs: 400 })
      await acquire('m#2', { waitMs: 5_000 })
      nowMs += 1_000
      assert.deepEqual(await acquire('m#3'), { status: 'busy', position: -1, queued: 1, retryMs: 400 })
      assert.equal(await last(), `expired m#1 fence ${START_MS}000 at ${START_MS + 1_000}`)
      nowMs += 400
      assert.equal(await statusOf('m#2'), 'granted')
    })

    test('wakes the head when somebody else finds that the lease has run out', async () => {
      await acquire('m#1')
      await acquire('m#2', { waitMs: 5_000 })
      nowMs += 1_000
      await acquire('m#3', { waitMs: 5_000 })
      await wakes('m#2')
    })

    test('drops a dead head, and keeps the place of one that asks again', async () => {
      await acquire('m#1', { ttlMs: 9_000 })
      await acquire('m#2', { waitMs: 100 })
      await acquire('m#3', { waitMs: 100 })
      nowMs += 50
      await acquire('m#3', { waitMs: 5_000 })
      nowMs += 50
      assert.deepEqual(await acquire('m#4', { waitMs: 100 }), { status: 'busy', position: 1, queued: 2, retryMs: 8_900 })
      assert.deepEqual(await queue(), ['m#3', 'm#4'])
    })

    test('ends at most 128 leases in one call', async () => {
      for (let i = 0; i < 200; i++) await acquire(`m#${i}`, { capacity: 200 })
      nowMs += 1_000
      assert.equal(await statusOf('x#1', { capacity: 200, weight: 200 }), 'busy')
      assert.equal(await statusOf('x#1', { capacity: 200, weight: 200 }), 'granted')
    })

    test('grants nothing in quarantine but what this id held before', async () => {
      await acquire('m#1')
      port.epoch = { value: 'run 0 0', until: nowMs + 200 }
      assert.equal(await statusOf('m#1'), 'granted')
      assert.deepEqual(await acquire('m#2', { name: 'lock:b' }), { status: 'quarantined', leftMs: 200 })
      assert.equal((await store.status()).quarantinedMs, 200)
      nowMs += 200
      assert.equal(await statusOf('m#2', { name: 'lock:b' }), 'granted')
    })

    test('verifies the server when its epoch is another, once', async () => {
      await port.redis.set('reeve:epoch', 'other 0 0')
      await assert.rejects(acquire('m#1'), { code: 'COORDINATION_UNAVAILABLE' })
      port.verified = { value: 'other 0 0', until: 0 }
      assert.equal(await statusOf('m#1'), 'granted')
      port.epoch = undefined
      assert.equal(await statusOf('m#1'), 'granted')
    })

    test('is refused whole when memory is short, while what is held goes on', async () => {
      await acquire('m#1')
      await acquire('m#2', { waitMs: 5_000 })
      await server.command('CONFIG', 'SET', 'maxmemory', '1')
      try {
        await assert.rejects(acquire('m#3', { name: 'lock:b' }), /OOM/)
        assert.deepEqual(await store.extend([{ name: 'lock:a', id: 'm#1', ttlMs: 2_000 }]), [{ leftMs: 2_000 }])
        assert.equal(await store.amend({ name: 'lock:a', id: 'm#1', record: '{}' }), true)
        assert.equal(await store.release({ name: 'lock:a', id: 'm#1' }), 'released')
        assert.equal((await store.beat([{ group: 'g', member: 'x', ttlMs: 1_000, record: undefined, keep: false }]))[0]?.joined, true)
        assert.equal(await store.readResource('lock:b'), undefined)
      } finally {
        await server.command('CONFIG', 'SET', 'maxmemory', '0')
      }
    })

    test('gives a lease back that no replica has', async () => {
      store = open({ durability: 'replica' })
      await assert.rejects(acquire('m#1'), { code: 'COORDINATION_NOT_REPLICATED' })
      assert.deepEqual((await store.readResource('lock:a'))?.holders, [])
      port.replicas = 1
      assert.equal(await statusOf('m#1'), 'granted')
    })

    test('loads the script again after SCRIPT FLUSH', async () => {
      await acquire('m#1')
      await server.command('SCRIPT', 'FLUSH')
      assert.equal(await statusOf('m#1'), 'granted')
    })
  })

  describe('release()', () => {
    test('answers released, left and gone, each once', async () => {
      await acquire('m#1')
      await acquire('m#2', { waitMs: 500 })
      assert.equal(await store.release({ name: 'lock:a', id: 'm#2' }), 'left')
      assert.equal(await store.release({ name: 'lock:a', id: 'm#2' }), 'gone')
      assert.equal(await store.release({ name: 'lock:a', id: 'm#1' }), 'released')
      assert.equal(await store.release({ name: 'lock:a', id: 'm#1' }), 'gone')
      assert.equal(await store.release({ name: 'lock:never', id: 'm#1' }), 'gone')
    })

    test('of a lease that ran out is gone, and its lock delay runs since then', async () => {
      await acquire('m#1', { lockDelayMs: 500 })
      nowMs += 1_200
      assert.equal(await store.release({ name: 'lock:a', id: 'm#1' }), 'gone')
      assert.equal((await store.readResource('lock:a'))?.closedMs, 300)
    })

    test('that is unclean closes the resource for the lock delay', async () => {
      await acquire('m#1', { lockDelayMs: 500 })
      await store.release({ name: 'lock:a', id: 'm#1', unclean: true })
      assert.equal(await last(), `died m#1 fence ${START_MS}000 at ${START_MS}`)
      assert.deepEqual(await acquire('m#2'), { status: 'busy', position: -1, queued: 0, retryMs: 500 })
      nowMs += 500
      assert.equal(await statusOf('m#2'), 'granted')
    })

    test('puts the oldest request of the named member at the head', async () => {
      await acquire('m#1')
      for (const id of ['b#x#1', 'b#1', 'c#1', 'c#2']) await acquire(id, { waitMs: 500 })
      assert.equal(await store.release({ name: 'lock:a', id: 'm#1', to: 'c' }), 'released')
      await wakes('c#1')
      assert.deepEqual(await queue(), ['c#1', 'b#x#1', 'b#1', 'c#2'])
      assert.equal(await statusOf('c#1'), 'granted')
      assert.equal(await store.release({ name: 'lock:a', id: 'c#1', to: 'b' }), 'released')
      assert.deepEqual(await queue(), ['b#1', 'b#x#1', 'c#2'])
    })

    test('with onlyTo keeps it when that member does not wait, or waits no more', async () => {
      await acquire('m#1')
      await acquire('b#1', { waitMs: 100 })
      assert.equal(await store.release({ name: 'lock:a', id: 'm#1', to: 'c', onlyTo: true }), 'kept')
      nowMs += 100
      assert.equal(await store.release({ name: 'lock:a', id: 'm#1', to: 'b', onlyTo: true }), 'kept')
      assert.equal(await statusOf('m#1'), 'granted')
      assert.equal(await store.release({ name: 'lock:a', id: 'm#1', to: 'b' }), 'released')
    })

    test('wakes 32 waiters at most', async () => {
      await acquire('w#1', { weight: 100, capacity: 100 })
      const ids = Array.from({ length: 40 }, (_, index) => `r#${index}`)
      for (const id of ids) await acquire(id, { capacity: 100, waitMs: 500 })
      await store.release({ name: 'lock:a', id: 'w#1' })
      await wakes(...ids.slice(0, 32))
    })

    test('of a head that waited lets the next in', async () => {
      await acquire('r#1', { capacity: 3 })
      await acquire('w#1', { capacity: 3, weight: 3, waitMs: 500 })
      await acquire('r#2', { capacity: 3, waitMs: 500 })
      await store.release({ name: 'lock:a', id: 'w#1' })
      await wakes('r#2')
    })
  })

  describe('extend()', () => {
    test('only lengthens, looks with a ttl of 0, and answers in order', async () => {
      for (const id of ['m#1', 'm#2']) await acquire(id, { name: `lock:${id}` })
      const extend = (...ttls: readonly [string, number][]) => store.extend(ttls.map(([id, ttlMs]) => ({ name: `lock:${id}`, id, ttlMs })))
      assert.deepEqual(await extend(['m#2', 3_000], ['m#3', 9_000], ['m#1', 10], ['m#2', 0]), [{ leftMs: 3_000 }, { leftMs: 0 }, { leftMs: 1_000 }, { leftMs: 3_000 }])
      nowMs += 1_000
      assert.deepEqual(await extend(['m#1', 1_000], ['m#2', 0]), [{ leftMs: 0 }, { leftMs: 2_000 }])
      assert.deepEqual((await store.readResource('lock:m#2'))?.holders[0]?.record, { host: 'h1' })
    })

    test('moves the time at which to try again', async () => {
      await acquire('m#1')
      await store.extend([{ name: 'lock:a', id: 'm#1', ttlMs: 5_000 }])
      assert.deepEqual(await acquire('m#2'), { status: 'busy', position: -1, queued: 0, retryMs: 5_000 })
    })

    test('of many leases is a script for each 128', async () => {
      const many = Array.from({ length: 300 }, (_, index) => ({ name: `lock:${index}`, id: `m#${index}`, ttlMs: 2_000 }))
      await Promise.all(many.map(({ name, id }) => acquire(id, { name })))
      port.sent.length = 0
      assert.deepEqual(await store.extend(many), many.map(() => ({ leftMs: 2_000 })))
      assert.deepEqual(port.sent, ['extend', 'extend', 'extend'])
    })
  })

  describe('amend() and forceRelease()', () => {
    test('amend() replaces what a holder tells and nothing else', async () => {
      await acquire('m#1')
      const before = (await store.readResource('lock:a'))?.holders[0]
      assert.equal(await store.amend({ name: 'lock:a', id: 'm#1', record: '{"value":"ü\\n"}' }), true)
      assert.deepEqual((await store.readResource('lock:a'))?.holders, [{ ...before, record: { value: 'ü\n' } }])
      assert.equal(await store.amend({ name: 'lock:a', id: 'm#2', record: '{}' }), false)
      nowMs += 1_000
      assert.equal(await store.amend({ name: 'lock:a', id: 'm#1', record: '{}' }), false)
    })

    test('forceRelease() ends every lease, closes the resource and says who', async () => {
      await acquire('m#1', { capacity: 2 })
      await acquire('m#2', { capacity: 2 })
      await acquire('m#3', { capacity: 2, waitMs: 5_000 })
      const ended = await store.forceRelease({ name: 'lock:a', by: 'ann', lockDelayMs: 200 })
      assert.deepEqual(ended.map(({ id, leftMs, record }) => [id, leftMs, record]), [['m#1', 1_000, { host: 'h1' }], ['m#2', 1_000, { host: 'h1' }]])
      assert.equal(await last(), `forced by ann at ${START_MS}`)
      assert.equal(await statusOf('m#3', { capacity: 2, waitMs: 5_000 }), 'busy')
      nowMs += 200
      assert.equal(await statusOf('m#3', { capacity: 2 }), 'granted')
      assert.deepEqual(await store.extend([{ name: 'lock:a', id: 'm#1', ttlMs: 100 }]), [{ leftMs: 0 }])
    })

    test('forceRelease() of what nobody holds does nothing', async () => {
      assert.deepEqual(await store.forceRelease({ name: 'lock:a', by: 'ann', lockDelayMs: 200 }), [])
      assert.equal(await store.readResource('lock:a'), undefined)
    })
  })

  describe('topics and lists', () => {
    test('subscribe() hears of every change of a leader, and of no lock', async () => {
      let heard = 0
      const stop = await store.subscribe('leader:x', () => { heard++ })
      const hears = (count: number) => until(`${count} changes`, () => heard === count)
      await acquire('m#1', { name: 'leader:x' })
      await hears(1)
      await store.amend({ name: 'leader:x', id: 'm#1', record: '{"value":1}' })
      await hears(2)
      await store.release({ name: 'leader:x', id: 'm#1' })
      await hears(3)
      await acquire('m#2', { name: 'leader:x' })
      nowMs += 1_000
      await acquire('m#3', { name: 'leader:x', capacity: 2 })
      await until('expiry and grant', () => heard >= 5)
      stop()
    })

    test('listResources() gives what is held, awaited or closed, by name, whatever the names', async () => {
      const names = ['lock:{b}', 'lock:a b', 'lock:a}:queue', 'lock:ключ:1', 'lock:*']
      for (const name of names) await acquire('m#1', { name })
      await acquire('m#2', { name: 'lock:a b', waitMs: 500 })
      await acquire('m#1', { name: 'leader:a' })
      await acquire('m#1', { name: 'lock:free' })
      await store.release({ name: 'lock:free', id: 'm#1' })
      assert.deepEqual((await store.listResources('lock')).map(({ name }) => name), [...names].sort())
      assert.deepEqual((await store.listResources('leader')).map(({ name }) => name), ['leader:a'])
      nowMs += 1_000
      assert.deepEqual((await store.listResources('lock')).map(({ name }) => name), ['lock:a b'])
    })
  })

  describe('retention', () => {
    test('leaves no key of thousands of names, held, awaited or expired', async () => {
      store = open({ retentionMs: 50 })
      const names = Array.from({ length: 3_000 }, (_, index) => `lock:${index}`)
      await Promise.all(names.map(async (name) => {
        await acquire('m#1', { name, ttlMs: 250 })
        await acquire('m#2', { name, waitMs: 250 })
        if (name.endsWith('1')) await store.release({ name, id: 'm#1' })
      }))
      await store.beat([{ group: 'g', member: 'x', ttlMs: 250, record: '{}', keep: false }])
      await until('no key is left', async () => await server.command('DBSIZE') === '1')
      assert.equal(await server.command('KEYS', '*'), 'reeve:epoch')
    })

    test('outlives a lock delay', async () => {
      store = open({ retentionMs: 0 })
      await acquire('m#1', { ttlMs: 250, lockDelayMs: 60_000 })
      assert.ok(await port.redis.pttl('reeve:{lock:a}') > 60_000)
      await store.forceRelease({ name: 'lock:a', by: 'ann', lockDelayMs: 90_000 })
      assert.ok(await port.redis.pttl('reeve:{lock:a}') > 89_000)
    })
  })
})

test('RedisStore keeps each script to one slot in a Cluster', async () => {
  const server = await RedisServer.start(['--cluster-enabled', 'yes'])
  try {
    await server.command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
    await until('the cluster is there', async () => (await server.command('CLUSTER', 'INFO')).includes('cluster_state:ok'))
    const port = await DirectRedisPort.connect(server.port, 'cluster')
    const store = new RedisStore(port)
    const names = ['lock:a', 'lock:b}', 'lock:{c}', 'leader:d']
    const leases = names.map((name) => ({ name, id: 'm#1', ttlMs: 9_000 }))
    for (const lease of leases) {
      const reply = await store.acquire({ ...lease, weight: 1, capacity: 1, lockDelayMs: 0, waitMs: 0, record: '{}' })
      assert.equal(reply.status, 'granted')
    }
    assert.ok((await store.extend(leases)).every(({ leftMs }) => leftMs > 0))
    assert.deepEqual((await store.listResources('lock')).map(({ name }) => name), names.slice(0, 3))
    for (const lease of leases) assert.equal(await store.release(lease), 'released')
    const beats = ['a', 'b', '{c}'].map((group) => ({ group, member: 'h', ttlMs: 9_000, record: '{}', keep: false }))
    assert.deepEqual((await store.beat(beats)).map(({ joined }) => joined), [true, true, true])
    assert.equal(await store.mark({ group: 'b', member: 'h', mark: '{}' }), true)
    assert.equal((await store.readGroup('b')).members.length, 1)
    assert.equal((await store.status()).quarantinedMs, 0)
    await store.close()
  } finally {
    await server.stop()
  }
})
