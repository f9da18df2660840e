import { setTimeout as delay } from 'node:timers/promises'
import { openLockClient, REEVE } from './lock-client.js'
import type { BenchRedis } from './redis-bench.js'
import type { RedisStats } from './redis-stats.js'

/** In bytes of the server's memory; NaN where a contender keeps nothing there. */
export interface LockMemory {
  /** A held lock, with its share of the tables. */
  readonly heldBytes: number
  /** The same by MEMORY USAGE of its keys. */
  readonly keyBytes: number
  /** What a lock leaves behind when it was released. */
  readonly releasedBytes: number
  /** A request that waits for a held lock. */
  readonly waitingBytes: number
}

const LOCKS = 20_000
const WAITING = 1_000
/** So many requests are on their way at once. */
const BATCH = 500
const POLL_MS = 10

/** Takes `LOCKS` locks of a contender and gives them back; then lets requests wait for one. */
export async function measureLockMemory(redis: BenchRedis, contender: string): Promise<LockMemory> {
  const { stats } = redis
  const client = await openLockClient(contender, redis.urlFor(contender))
  const releases: (() => Promise<unknown>)[] = []
  await (await client.acquire(`${contender}-first`))()
  const empty = await stats.usedMemory()
  for (let n = 0; n < LOCKS; n += BATCH) {
    releases.push(...await Promise.all(Array.from({ length: BATCH }, (_, i) => client.acquire(`${contender}-memory-${n + i}`))))
  }
  const held = await stats.usedMemory()
  const keyBytes = await bytesOfKeys(stats, `${contender}-memory-777`)
  for (let n = 0; n < LOCKS; n += BATCH) await Promise.all(releases.slice(n, n + BATCH).map((release) => release()))
  const released = await stats.usedMemory()
  const waitingBytes = contender === REEVE ? await measureWaiting(redis) : Number.NaN
  await client.close()
  return { heldBytes: (held - empty) / LOCKS, keyBytes, releasedBytes: Math.max(0, released - empty) / LOCKS, waitingBytes }
}

/** By the keys of the one lock, for the requests' own promises are not in Redis. */
async function measureWaiting(redis: BenchRedis): Promise<number> {
  const name = 'reeve-waiting'
  const client = await openLockClient(REEVE, redis.reeveUrl)
  const release = await client.acquire(name)
  const alone = await bytesOfKeys(redis.stats, name)
  const waiting = Array.from({ length: WAITING }, () => client.acquire(name))
  while (await redis.stats.redis.zcard(`reeve:{lock:${name}}:queue`) < WAITING) await delay(POLL_MS)
  const crowded = await bytesOfKeys(redis.stats, name)
  await release()
  for (const next of waiting) await (await next)()
  await client.close()
  return (crowded - alone) / WAITING
}

async function bytesOfKeys(stats: RedisStats, name: string): Promise<number> {
  const keys = await stats.redis.keys(`*${name}*`)
  // Not those of a name that begins with this one.
  return await stats.memoryOf(...keys.filter((key) => !/^\d/.test(key.slice(key.indexOf(name) + name.length))))
}
