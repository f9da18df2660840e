import { systemClock, type Clock } from '../base/clock.js'
import { Durations, type DurationSummary } from './durations.js'
import { atLeastOne, queueClosed } from './errors.js'
import { Lane } from './lane.js'
import { TakeSide, type WaitOptions } from './take-side.js'

export interface BoundedQueueOptions {
  /** Items that it holds at most; at least 1. Who puts more waits. */
  readonly capacity: number
  /** For messages. Default `queue`. */
  readonly name?: string
  /** For the time in the queue. Default: the monotonic clock of the system. */
  readonly clock?: Clock
}

export interface QueueStatistics {
  /** Items that were let in. */
  readonly puts: number
  /** Items that were taken. */
  readonly takes: number
  readonly size: number
  readonly highestSize: number
  readonly waitingPuts: number
  readonly waitingTakes: number
  /** From being let in to being taken. */
  readonly timeInQueue: DurationSummary
}

/**
 * First in, first out, up to a bound: who puts into a full queue waits, and so is
 * slowed to the speed of those who take. Every operation takes constant time.
 *
 * Those who wait are served in the order in which they came; a `tryPut` or `tryTake`
 * never passes them. An item is given to one consumer, once. Items are not copied.
 * An item that is itself a promise is awaited by `take()`, as by any promise.
 */
export class BoundedQueue<Item> extends TakeSide<Item> {
  readonly #lane: Lane<Item>
  readonly #times = new Durations()

  /** @throws RangeError for a capacity that is not a whole number of at least 1 */
  constructor({ capacity, name = 'queue', clock = systemClock }: BoundedQueueOptions) {
    super(name)
    this.#lane = new Lane({ capacity: atLeastOne('capacity', capacity), clock, times: this.#times })
  }

  get capacity(): number {
    return this.#lane.capacity
  }

  override get size(): number {
    return this.#lane.size
  }

  override get waitingPuts(): number {
    return this.#lane.waitingPuts
  }

  /**
   * Resolves when the item was let in.
   *
   * @throws QUEUE_CLOSED, also while it waits; the signal's reason. The item was then not let in.
   */
  put(item: Item, { signal }: WaitOptions = {}): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error)
    if (this.closed) return Promise.reject(queueClosed('put into', this.name))
    return this.tryPut(item) ? LET_IN : this.#lane.putLater(item, signal)
  }

  /** False when the queue is full or closed. */
  tryPut(item: Item): boolean {
    if (this.closed) return false
    if (!this.deliver(item)) return this.#lane.tryPut(item)
    this.#lane.pass()
    return true
  }

  statistics(): QueueStatistics {
    const { accepted, size, highestSize, waitingPuts } = this.#lane
    return {
      puts: accepted, takes: accepted - size, size, highestSize, waitingPuts,
      waitingTakes: this.waitingTakes, timeInQueue: this.#times.summary(),
    }
  }

  protected override next(): Item {
    return this.#lane.shift()
  }

  protected override refusePuts(error: unknown): void {
    this.#lane.refuse(error)
  }
}

/** One for all: it carries nothing, and a promise for each put is half of its cost. */
const LET_IN = Promise.resolve()
