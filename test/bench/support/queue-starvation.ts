import { setTimeout as delay } from 'node:timers/promises'
import { WeightedPriorityQueue, yieldNow } from '#src/queue/index.js'
import type { QueuePeers } from './queue-peers.js'

export type Priority = 'high' | 'low'

/** One consumer, which is busy with each item for so many ms, behind some queue. `begun` is called when it takes the item. */
export interface OneConsumer {
  put(priority: Priority, begun: () => void): void
  /** Resolves when nothing is left. */
  end(): Promise<void>
}

/** From being put to being begun, in ms. */
export interface Waits {
  /** Items that were begun while a low one was older than `maxAgeMs` and still waited, at most. */
  readonly overdueItems: number
  readonly firstLowMs: number
  readonly longestLowMs: number
  readonly longestHighMs: number
  readonly lowItems: number
}

export interface Flood {
  /** So long, in ms, high comes at 1,200/s and low at 20/s. */
  readonly durationMs: number
  readonly maxAgeMs: number
}

const PER_MS: Readonly<Record<Priority, number>> = { high: 1.2, low: 0.02 }
/** The first low item comes when high ones wait. */
const LOW_AFTER_MS = 50

/** Strict: p-queue's priority. */
export function strictConsumer({ PQueue }: QueuePeers, itemMs: number): OneConsumer {
  const queue = new PQueue({ concurrency: 1 })
  const work = async (begun: () => void): Promise<void> => {
    begun()
    await beBusy(itemMs)
  }
  return {
    put: (priority, begun) => void queue.add(() => work(begun), { priority: priority === 'high' ? 1 : 0 }),
    end: () => queue.onIdle(),
  }
}

export interface WeightedPlan {
  readonly classes: Readonly<Record<Priority, number>>
  readonly maxAgeMs?: number
}

export function weightedConsumer(plan: WeightedPlan, itemMs: number): OneConsumer {
  const queue = new WeightedPriorityQueue<() => void, Priority>({ ...plan, capacity: 1e6 })
  const consumed = (async () => {
    for await (const begun of queue) {
      begun()
      await beBusy(itemMs)
    }
  })()
  return {
    put: (priority, begun) => void queue.tryPut(begun, priority),
    end: async () => {
      queue.close()
      await consumed
    },
  }
}

/** Items come by the clock: those that a busy consumer has kept the timer from are put as soon as it runs. */
export async function flood(consumer: OneConsumer, { durationMs, maxAgeMs }: Flood): Promise<Waits> {
  const waits: Record<Priority, number[]> = { high: [], low: [] }
  const puts: Record<Priority, number> = { high: 0, low: 0 }
  const begins: number[] = []
  let overdueItems = 0
  const begun = (priority: Priority, putAt: number): void => {
    const now = performance.now()
    waits[priority].push(now - putAt)
    if (priority === 'low') overdueItems = Math.max(overdueItems, begins.length - 1 - begins.findLastIndex((at) => at <= putAt + maxAgeMs))
    begins.push(now)
  }
  const start = performance.now()
  for (let elapsed = 0; elapsed < durationMs; elapsed = performance.now() - start) {
    for (const priority of ['high', 'low'] as const) {
      const due = Math.floor((elapsed - (priority === 'low' ? LOW_AFTER_MS : 0)) * PER_MS[priority])
      for (; puts[priority] < due; puts[priority]++) {
        const at = performance.now()
        consumer.put(priority, () => begun(priority, at))
      }
    }
    await delay(1)
  }
  await consumer.end()
  return {
    overdueItems, firstLowMs: waits.low[0] ?? NaN, longestLowMs: Math.max(...waits.low), longestHighMs: Math.max(...waits.high), lowItems: waits.low.length,
  }
}

/** The share of low among the first `takes` when both classes are full. */
export function lowShare(classes: Readonly<Record<Priority, number>>, takes: number): number {
  const queue = new WeightedPriorityQueue<Priority, Priority>({ classes, capacity: takes })
  for (const priority of ['high', 'low'] as const) for (let n = 0; n < takes; n++) queue.tryPut(priority, priority)
  let low = 0
  for (let n = 0; n < takes; n++) if (queue.tryTake() === 'low') low++
  return low / takes
}

/** Busy, but one turn of the event loop after each item: so timers go on. */
async function beBusy(ms: number): Promise<void> {
  const end = performance.now() + ms
  while (performance.now() < end);
  await yieldNow()
}
