/** What a store does that may have forgotten, and what it tells when messages may have been missed, of every driver that others share. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { openSharedStore } from '#src/coordination/embedded/socket-client.js'
import { LeaseKeeper } from '#src/coordination/lease/lease-keeper.js'
import { createLock } from '#src/coordination/lease/lock.js'
import { openRedis } from '#src/coordination/redis/connection.js'
import { RedisStore } from '#src/coordination/redis/redis-store.js'
import type { AcquireRequest, CoordinationStore } from '#src/coordination/store.js'
import { parseCoordinationUrl } from '#src/coordination/url.js'
import { until } from '../support/processes.js'
import { RedisServer } from '../support/redis.js'
import { withoutRedis } from '../support/redis-topologies.js'
import { temporaryFolder } from '../support/temporary-folder.js'
import { granted } from './store/scene.js'

const TTL_MS = 1_000
/** As long as leases may be that were forgotten. */
const QUARANTINE_MS = 5_000
const REQUEST: AcquireRequest = { name: 'lock:x', id: 'a#1.1', weight: 1, capacity: 1, ttlMs: TTL_MS, lockDelayMs: 0, waitMs: 0, record: '{}' }
const silent = { info: (): void => {}, warn: (): void => {} }

interface Trouble {
  /** A store that has just forgotten a lease with this fence. */
  readonly store: CoordinationStore
  readonly fence: bigint
  /** Lets as much of its time go by as can be. */
  advance(ms: number): void
}

interface SharedDriver {
  readonly name: string
  readonly skip: string | false
  forget(context: TestContext): Promise<Trouble>
  /** `cut()`: messages to `store` may be missed for a moment. */
  interrupt(context: TestContext): Promise<{ readonly store: CoordinationStore; cut(): Promise<unknown> }>
}

async function openSocket(context: TestContext, path: string): Promise<CoordinationStore> {
  const store = await openSharedStore(path, { log: silent, clientName: 'a test', maxTtlMs: QUARANTINE_MS, mayServe: true, commandTimeoutMs: 10_000 })
  context.after(() => store.close())
  return store
}

const socket: SharedDriver = {
  name: 'embedded over a socket',
  skip: false,
  forget: async (context) => {
    const path = join(temporaryFolder(context), 'c.sock')
    const first = await openSocket(context, path)
    const { fence } = granted(await first.acquire(REQUEST))
    await first.close()
    return { fence, store: await openSocket(context, path), advance: () => {} }
  },
  interrupt: async (context) => {
    const path = join(temporaryFolder(context), 'c.sock')
    const first = await openSocket(context, path)
    return { store: await openSocket(context, path), cut: () => first.close() }
  },
}

async function openServer(context: TestContext): Promise<{ readonly server: RedisServer; readonly store: RedisStore; advance(ms: number): void }> {
  const server = await RedisServer.start()
  context.after(() => server.stop())
  // It has forgotten nothing, new as it is.
  const runId = /run_id:(\w+)/.exec(await server.command('INFO', 'server'))?.[1]
  await server.command('SET', 'reeve:epoch', `${runId} 0 0`)
  const target = parseCoordinationUrl(server.url)
  assert.ok(target.driver === 'redis')
  const port = await openRedis(target, { memberId: 'm', maxTtlMs: QUARANTINE_MS, commandTimeoutMs: 5_000, safety: 'efficient', durability: 'async' })
  let ahead = 0
  const store = new RedisStore(port, { now: () => (Date.now() + ahead) * 1_000 })
  context.after(() => store.close())
  return { server, store, advance: (ms) => { ahead += ms } }
}

const redis: SharedDriver = {
  name: 'redis',
  skip: await withoutRedis('quarantine and gaps'),
  forget: async (context) => {
    const { server, store, advance } = await openServer(context)
    const { fence } = granted(await store.acquire(REQUEST))
    await server.restart('SIGKILL')
    await until('it is back', async () => (await store.status()).connected)
    return { store, fence, advance }
  },
  interrupt: async (context) => {
    const { server, store } = await openServer(context)
    return { store, cut: () => server.command('CLIENT', 'KILL', 'TYPE', 'pubsub') }
  },
}

for (const driver of [socket, redis]) {
  describe(driver.name, { skip: driver.skip, concurrency: true }, () => {
    test('grants nothing until what it may have forgotten is over, and says so', async (context) => {
      const { store, fence, advance } = await driver.forget(context)
      const { connected, quarantinedMs } = await store.status()
      assert.equal(connected, true)
      assert.ok(quarantinedMs > 0 && quarantinedMs <= QUARANTINE_MS, `${quarantinedMs}`)
      const reply = await store.acquire({ ...REQUEST, id: 'b#1.1' })
      assert.ok(reply.status === 'quarantined' && reply.leftMs > 0 && reply.leftMs <= QUARANTINE_MS)
      assert.deepEqual(await store.extend([{ name: REQUEST.name, id: REQUEST.id, ttlMs: TTL_MS }]), [{ leftMs: 0 }])
      const keeper = new LeaseKeeper(store, { memberId: 'b', incarnation: '2', ttlMs: TTL_MS, maxTtlMs: QUARANTINE_MS, record: {} })
      context.after(() => keeper.stop())
      assert.equal(await createLock(keeper, 'x').tryAcquire(), undefined)
      const waiting = createLock(keeper, 'x').acquire()
      await assert.rejects(createLock(keeper, 'x').acquire({ timeoutMs: 50 }), { code: 'LOCK_TIMEOUT' })
      advance(QUARANTINE_MS)
      const held = await waiting
      assert.ok(held.held && held.fence > fence)
      assert.equal((await store.status()).quarantinedMs, 0)
    })

    test('tells a gap when messages are heard again, for as long as it is wanted', async (context) => {
      const { store, cut } = await driver.interrupt(context)
      let [told, unwanted] = [0, 0]
      await store.subscribe('group:g', () => { told++ })
      store.onGap(() => { unwanted++ })()
      const gap = new Promise<void>((resolve) => store.onGap(resolve))
      await cut()
      await gap
      const before = told
      await store.beat([{ group: 'g', member: 'm', ttlMs: TTL_MS, record: '{}', keep: false }])
      await until('what comes after the gap is heard', () => told > before)
      assert.equal(unwanted, 0)
    })
  })
}
