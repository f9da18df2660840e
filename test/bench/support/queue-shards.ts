import { setTimeout as delay } from 'node:timers/promises'
import { ShardedQueue, yieldNow } from '#src/queue/index.js'
import type { QueuePeers } from './queue-peers.js'

/** What became of items of many keys, of which one is slow. */
export interface ShardRun {
  /** When the last item of any key but the slow one's shard was done, and of all, in ms. */
  readonly othersMs: number
  readonly allMs: number
  /** Items that began after a later one of their key. */
  readonly outOfOrder: number
  /** Items that began while another of their key was under way. */
  readonly atOnce: number
  /** Of this process, in ms. */
  readonly cpuMs: number
}

interface Item {
  readonly key: number
  readonly number: number
}

export const KEYS = 100
export const SHARDS = 8
const SLOW_KEY = 0
const SLOW_MS = 5
/** One item in so many waits for a turn of the event loop, as if for I/O. */
const WAITS_EACH = 7

/** Puts all items and waits until they are done. */
export type ShardContender = (items: readonly Item[], handle: (item: Item) => Promise<void>) => Promise<void>

const shardOf = new ShardedQueue<Item>({ key: ({ key }) => `volume-${key}`, handler: () => {}, shards: SHARDS })

/** A producer for each key: that of the slow one waits for room, and holds up no other. */
export const sharded: ShardContender = async (items, handle) => {
  const queue = new ShardedQueue<Item>({ key: ({ key }) => `volume-${key}`, handler: handle, shards: SHARDS, capacity: 1_024 })
  const byKey = Array.from({ length: KEYS }, (_, key) => items.filter((item) => item.key === key))
  await Promise.all(byKey.map(async (own) => {
    for (const item of own) await queue.put(item)
  }))
  await queue.close()
}

export function fastqContender({ fastq }: QueuePeers, concurrency: number): ShardContender {
  return (items, handle) => new Promise((resolve) => {
    const queue = fastq<Item>((item, done) => void handle(item).then(done), concurrency)
    queue.drain = resolve
    for (const item of items) queue.push(item, () => {})
  })
}

export async function runShards(contender: ShardContender, count: number): Promise<ShardRun> {
  const last = Array.from({ length: KEYS }, () => -1)
  const running = Array.from({ length: KEYS }, () => 0)
  const slowShard = shardOf.shardOf(`volume-${SLOW_KEY}`)
  const isOther = Array.from({ length: KEYS }, (_, key) => shardOf.shardOf(`volume-${key}`) !== slowShard)
  const seen = { outOfOrder: 0, atOnce: 0, othersMs: 0 }
  const start = performance.now()
  const handle = async ({ key, number }: Item): Promise<void> => {
    if (number < (last[key] ?? 0)) seen.outOfOrder++
    if ((running[key] ?? 0) > 0) seen.atOnce++
    last[key] = number
    running[key] = (running[key] ?? 0) + 1
    if (key === SLOW_KEY) await delay(SLOW_MS)
    else if (number % WAITS_EACH === 0) await yieldNow()
    running[key] = (running[key] ?? 0) - 1
    if (isOther[key]) seen.othersMs = performance.now() - start
  }
  const items = Array.from({ length: count }, (_, number) => ({ key: number % KEYS, number }))
  const cpu = process.cpuUsage()
  await contender(items, handle)
  const { user, system } = process.cpuUsage(cpu)
  return { ...seen, allMs: performance.now() - start, cpuMs: (user + system) / 1_000 }
}
