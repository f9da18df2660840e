/**
 * Bar 14: what it costs that a host of 64 workers is a member of a group, and to read
 * a group of 1,000 members.
 *
 * Heartbeats are counted by MONITOR: each command that a client sends, not what a
 * script calls. A read is held against the least that could do it: one round trip of
 * ioredis with ZRANGE and HGETALL, its answer taken as it comes; and the same with the
 * records parsed, which whoever reads them has to do. In how many round trips a read is
 * done is measured over a line that takes 20 ms each way.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { systemClock } from '#src/base/clock.js'
import { systemRandom } from '#src/base/random.js'
import { HostMembership } from '#src/coordination/group/host-membership.js'
import { openStore } from '#src/coordination/open-store.js'
import type { CoordinationStore } from '#src/coordination/store.js'
import { TcpProxy } from '../support/tcp-proxy.js'
import { readArguments } from './support/arguments.js'
import { BenchRedis } from './support/redis-bench.js'
import { number, printBar, printTable, printTitle } from './support/report.js'
import { median, pairedRatio } from './support/statistics.js'

const WORKERS = 64
const BEAT_TTL_MS = 600
const MEMBERS = 1_000
const RECORD_BYTES = 200
const GROUP = 'bench-members'
const READS_A_TURN = 20
const LINE_DELAY_MS = 20
const FIRST = 'reeve, a first readGroup()'

const { rounds, quick } = readArguments({ rounds: 31, quickRounds: 11 })
await run()

async function run(): Promise<void> {
  printTitle(`membership: a host of ${WORKERS} workers; ${MEMBERS} members with ${RECORD_BYTES} bytes each, ${rounds} rounds`)
  await using redis = await BenchRedis.start('membership', true)
  if (!redis) return
  const store = await openStore(redis.reeveUrl, { memberId: 'bench' })
  try {
    await countBeats(redis, store)
    await fill(redis, store)
    await compareReads(redis, store)
    await countRoundTrips(redis)
  } finally {
    await store.close()
  }
}

/** A launcher with its workers in 1 and in 3 groups: requests per interval, an interval being a third of the ttl. */
async function countBeats(redis: BenchRedis, store: CoordinationStore): Promise<void> {
  const intervals = quick ? 20 : 60
  const rows: string[][] = []
  let ofOneGroup = Number.NaN
  for (const groups of [1, 3]) {
    const membership = new HostMembership(store, { hostMember: `bench-host-${groups}`, host: 'bench-host', pid: process.pid, clock: systemClock, random: systemRandom })
    const places = Array.from({ length: WORKERS }, (_, worker) => Array.from({ length: groups }, (_, group) => [`beats-${groups}-${group}`, `bench-host/volume/${worker}`] as const)).flat()
    await Promise.all(places.map(([group, member]) => membership.put(group, member, { weight: 1 }, BEAT_TTL_MS)))
    const seen = await redis.stats.requestsDuring(() => delay((intervals * BEAT_TTL_MS) / 3))
    await membership.stop()
    const perInterval = seen.length / intervals
    if (groups === 1) ofOneGroup = perInterval
    rows.push([String(groups), number(perInterval), [...new Set(seen.map(([name = '']) => name.toLowerCase()))].join(' '), String(WORKERS * groups)])
  }
  printTable(['groups', 'commands an interval', 'which', 'with a key for each member'], rows)
  // An interval is a third of the ttl ± 10 %, so a window of so many may hold one beat more.
  printBar({ what: `${WORKERS} workers, one group, commands an interval`, value: ofOneGroup, limit: { atMost: Number((1 + 2 / intervals).toFixed(2)) } })
}

async function fill(redis: BenchRedis, store: CoordinationStore): Promise<void> {
  const before = await redis.stats.usedMemory()
  const members = Array.from({ length: MEMBERS }, (_, n) => ({ group: GROUP, member: `host-${String(n).padStart(5, '0')}/volume`, ttlMs: 600_000, record: recordOf(n), keep: false }))
  for (let n = 0; n < MEMBERS; n += 100) await store.beat(members.slice(n, n + 100))
  const used = (await redis.stats.usedMemory()) - before
  const keys = await redis.stats.redis.keys(`reeve:{group:${GROUP}}*`)
  const rows = await Promise.all(keys.sort().map(async (key) => [key, number((await redis.stats.memoryOf(key)) / MEMBERS)]))
  printTable(['bytes a member', ''], [...rows, ['all, by used_memory', number(used / MEMBERS)], ['of that the record', String(RECORD_BYTES)]])
}

async function compareReads(redis: BenchRedis, store: CoordinationStore): Promise<void> {
  const raw = new Redis(redis.url)
  const key = `reeve:{group:${GROUP}}`
  const bare = (): Promise<unknown> => raw.pipeline().zrange(`${key}:members`, 0, -1, 'WITHSCORES').hgetall(`${key}:records`).exec()
  const parsed = async (): Promise<unknown> => {
    const [, records] = (await raw.pipeline().zrange(`${key}:members`, 0, -1, 'WITHSCORES').hgetall(`${key}:records`).exec()) ?? []
    return Object.values(records?.[1] as Readonly<Record<string, string>>).map((text) => JSON.parse(text.slice(text.indexOf('{'))) as unknown)
  }
  const contenders = { 'ZRANGE + HGETALL': bare, 'the same, records parsed': parsed, 'reeve, readGroup()': () => store.readGroup(GROUP), 'reeve, groupVersion()': () => store.groupVersion(GROUP) }
  const names = Object.keys(contenders)
  const times = new Map<string, number[]>(names.map((name) => [name, []]))
  for (const read of Object.values(contenders)) await timeReads(read)
  const first: number[] = []
  for (let round = 0; round < rounds; round++) {
    for (const [name, read] of Object.entries(contenders)) times.get(name)?.push(await timeReads(read))
    first.push(await timeFirstRead(redis))
  }
  times.set(FIRST, first)
  raw.disconnect()
  const of = (name: string): number[] => times.get(name) ?? []
  const [floor = '', parsedFloor = '', ours = ''] = names
  printTable(['read', 'ms', 'fastest', 'slowest', '× bare', '× parsed'], [...names, FIRST].map((name) => [name, ...[median(of(name)), Math.min(...of(name)), Math.max(...of(name)), pairedRatio(of(name), of(floor)), pairedRatio(of(name), of(parsedFloor))].map(number)]))
  printBar({ what: `${MEMBERS} members, reeve / bare ZRANGE + HGETALL`, value: pairedRatio(of(ours), of(floor)), limit: { atMost: 1.2 } })
  printBar({ what: `${MEMBERS} members, reeve / the same with the records parsed`, value: pairedRatio(of(ours), of(parsedFloor)), limit: { atMost: 1.2 } })
}

/** Of a process that has not read the group before: Reeve keeps what it has parsed until the record is another. */
async function timeFirstRead(redis: BenchRedis): Promise<number> {
  const store = await openStore(redis.reeveUrl, { memberId: 'bench-first' })
  try {
    await store.groupVersion(GROUP)
    const start = performance.now()
    await store.readGroup(GROUP)
    return performance.now() - start
  } finally {
    await store.close()
  }
}

/** The mean of a turn, in ms. */
async function timeReads(read: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  for (let n = 0; n < READS_A_TURN; n++) await read()
  return (performance.now() - start) / READS_A_TURN
}

async function countRoundTrips(redis: BenchRedis): Promise<void> {
  const proxy = await TcpProxy.start(redis.server.port)
  const store = await openStore(redis.reeveUrl.replace(String(redis.server.port), String(proxy.port)), { memberId: 'bench-far' })
  try {
    await store.readGroup(GROUP)
    proxy.delay(LINE_DELAY_MS)
    const start = performance.now()
    const { members } = await store.readGroup(GROUP)
    const ms = performance.now() - start
    printBar({ what: `${members.length} members over a line of ${2 * LINE_DELAY_MS} ms, round trips`, value: Math.floor(ms / (2 * LINE_DELAY_MS)), limit: { atMost: 1 } })
  } finally {
    proxy.pass()
    await store.close()
    await proxy.stop()
  }
}

/** JSON of exactly `RECORD_BYTES` bytes. */
function recordOf(n: number): string {
  const record = { host: `host-${n}`, pid: 1_000 + n, state: 'up', zone: 'a', weight: 1, note: '' }
  return JSON.stringify({ ...record, note: 'x'.repeat(RECORD_BYTES - JSON.stringify(record).length) })
}
