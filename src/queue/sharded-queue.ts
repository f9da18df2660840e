import type { Clock } from '../base/clock.js'
import { atLeastOne } from './errors.js'
import { FairConsumers, type FairConsumersStatistics, type HandlerContext } from './fair-consumers.js'
import type { WaitOptions } from './take-side.js'

export interface ShardedQueueOptions<Item> {
  /** What is to be kept in order, and handled one at a time: a volume's id. */
  readonly key: (item: Item) => string
  /** Does the work of one item. Its failure is told to `onError`, and does not stop the shard. */
  readonly handler: (item: Item, context: HandlerContext) => unknown
  /** Default 8. */
  readonly shards?: number
  /** Handlers that run at once, at most; more than there are shards find nothing to do. Default: as many as shards. */
  readonly consumers?: number
  /** Items that a shard holds at most; who puts more waits. Default 1024. */
  readonly capacity?: number
  /** Told once of each failure of a handler. Without it, a failure is an unhandled rejection. */
  readonly onError?: (error: unknown, item: Item, shard: string) => void
  /** For messages. Default `queue`. */
  readonly name?: string
  /** For the time in the queue. Default: the monotonic clock of the system. */
  readonly clock?: Clock
}

/**
 * Items of one key are handled in the order in which they were put, and never two at
 * once, by a fixed number of consumers, as in Ceph's sharded operation queue: each key
 * belongs to one shard, and each shard has one handler at a time.
 *
 * A slow key delays its shard, and no other, as long as there are as many consumers as
 * shards; with fewer it also keeps a consumer. Each shard has its own bound: with one
 * full, only puts of its keys wait.
 *
 * Order is that of the calls of `put`, those that wait for room included.
 */
export class ShardedQueue<Item> {
  readonly shards: number
  readonly #key: (item: Item) => string
  readonly #names: readonly string[]
  readonly #consumers: FairConsumers<Item>

  /** @throws RangeError for a number of shards or consumers, or a capacity, that is not a whole number of at least 1 */
  constructor({ key, shards = 8, consumers = shards, ...options }: ShardedQueueOptions<Item>) {
    this.shards = atLeastOne('shards', shards)
    this.#key = key
    this.#names = Array.from({ length: shards }, (_, shard) => String(shard))
    this.#consumers = new FairConsumers({ ...options, consumers, perQueue: 1, queues: this.#names })
  }

  get size(): number {
    return this.#consumers.size
  }

  get running(): number {
    return this.#consumers.running
  }

  get closed(): boolean {
    return this.#consumers.closed
  }

  get paused(): boolean {
    return this.#consumers.paused
  }

  /** The name of the shard that `key` belongs to: `0` to `shards - 1`. */
  shardOf(key: string): string {
    return this.#names[hash(key) % this.shards] ?? '0'
  }

  /** @see FairConsumers.put */
  put(item: Item, options?: WaitOptions): Promise<void> {
    return this.#consumers.put(this.shardOf(this.#key(item)), item, options)
  }

  /** False when the item's shard is full, or the queue closed. */
  tryPut(item: Item): boolean {
    return this.#consumers.tryPut(this.shardOf(this.#key(item)), item)
  }

  /** No further handler starts; puts go on. Resolves when none is running. */
  pause(options?: WaitOptions): Promise<void> {
    return this.#consumers.pause(options)
  }

  resume(): void {
    this.#consumers.resume()
  }

  /** Resolves as soon as nothing waits and no handler runs. While paused that does not come by itself. */
  drain(options?: WaitOptions): Promise<void> {
    return this.#consumers.drain(options)
  }

  /** @see FairConsumers.close */
  close(options?: WaitOptions): Promise<void> {
    return this.#consumers.close(options)
  }

  /** @see FairConsumers.abort */
  abort(reason?: unknown): readonly Item[] {
    return this.#consumers.abort(reason)
  }

  /** `queues` are the shards, by their numbers. */
  statistics(): FairConsumersStatistics {
    return this.#consumers.statistics()
  }
}

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/**
 * FNV-1a over UTF-16 code units, its bits mixed once more, for the low ones alone
 * would spread keys badly that differ in their last letter.
 *
 * @see MurmurHash3, fmix32
 */
function hash(key: string): number {
  let bits = FNV_OFFSET
  for (let i = 0; i < key.length; i++) bits = Math.imul(bits ^ key.charCodeAt(i), FNV_PRIME)
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}
