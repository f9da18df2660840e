/** Locks whose names are used once and never again: nothing of them stays in Redis. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openRedis } from '#src/coordination/redis/connection.js'
import { RedisStore } from '#src/coordination/redis/redis-store.js'
import type { AcquireRequest } from '#src/coordination/store.js'
import { parseCoordinationUrl } from '#src/coordination/url.js'
import { until } from '../support/processes.js'
import { RedisServer } from '../support/redis.js'
import { withoutRedis } from '../support/redis-topologies.js'

/** The long form: `REEVE_LOCK_NAMES=100000 node --test test/dist/fault/retention.test.js`. */
const NAMES = Number(process.env['REEVE_LOCK_NAMES'] ?? 3_000)
const AT_ONCE = 64
const RETENTION_MS = 500
const TTL_MS = 300

const skip = await withoutRedis('the retention of locks')

test(`${NAMES} names of locks, leaders and groups leave no key when their retention is over`, { skip }, async (t) => {
  const server = await RedisServer.start()
  t.after(() => server.stop())
  const store = await open(server)
  t.after(() => store.close())
  await until('the quarantine of the new server is over', async () => (await store.status()).quarantinedMs === 0)
  let next = 0
  let most = 0
  const use = async (): Promise<void> => {
    for (let number = next++; number < NAMES; number = next++) await useOnce(store, number)
    most = Math.max(most, Number(await server.command('DBSIZE')))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, use))
  assert.ok(most > AT_ONCE, `there were ${most} keys`)
  await until('no key is left but the epoch', async () => await server.command('DBSIZE') === '1', 60_000)
  assert.equal(await server.command('KEYS', '*'), 'reeve:epoch')
})

async function open(server: RedisServer): Promise<RedisStore> {
  const target = parseCoordinationUrl(server.url)
  assert.ok(target.driver === 'redis')
  const port = await openRedis(target, { memberId: 'm', maxTtlMs: TTL_MS, commandTimeoutMs: 10_000, safety: 'efficient', durability: 'async' })
  return new RedisStore(port, { retentionMs: RETENTION_MS })
}

/** Takes one, in each of the ways in which locks end or do not. */
async function useOnce(store: RedisStore, number: number): Promise<void> {
  const name = `${number % 2 === 0 ? 'lock' : 'leader'}:${number}`
  const request: AcquireRequest = { name, id: `a#1.${number}`, weight: 1, capacity: 1, ttlMs: TTL_MS, lockDelayMs: 50, waitMs: 0, record: '{}' }
  assert.equal((await store.acquire(request)).status, 'granted')
  // Somebody waits, and is never heard of again.
  if (number % 3 === 0) await store.acquire({ ...request, id: `b#1.${number}`, waitMs: 200 })
  switch (number % 5) {
    case 0: return
    case 1: await store.release({ name, id: request.id }); return
    case 2: await store.release({ name, id: request.id, unclean: true }); return
    case 3: await store.forceRelease({ name, by: 'x', lockDelayMs: 100 }); return
    case 4: await store.beat([{ group: `g${number}`, member: 'm', ttlMs: TTL_MS, record: '{}', keep: false }])
  }
}
