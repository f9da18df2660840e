import type { Clock } from '../base/clock.js'
import { Deque } from './deque.js'
import type { Durations } from './durations.js'
import { Waiters } from './waiters.js'

export interface LaneOptions {
  readonly capacity: number
  readonly clock: Clock
  /** Told how long each item was in the lane. */
  readonly times: Durations
}

/**
 * Items in their order, up to a bound, and behind them those who wait to put one.
 * Somebody waits only while the lane is full: whoever makes room lets the oldest in,
 * in the same step, so that nobody who comes later can be faster.
 */
export class Lane<Item> {
  readonly capacity: number
  readonly #clock: Clock
  readonly #times: Durations
  readonly #items = new Deque<Item>()
  /** When each came in. */
  readonly #since = new Deque<number>()
  readonly #puts = new Waiters<Item, void>()
  #accepted = 0
  #highestSize = 0

  constructor({ capacity, clock, times }: LaneOptions) {
    this.capacity = capacity
    this.#clock = clock
    this.#times = times
  }

  get size(): number {
    return this.#items.size
  }

  get waitingPuts(): number {
    return this.#puts.size
  }

  /** Items that were ever let in. */
  get accepted(): number {
    return this.#accepted
  }

  get highestSize(): number {
    return this.#highestSize
  }

  /** When the first item came in, by the clock; undefined when there is none. */
  get oldestSince(): number | undefined {
    return this.#since.peek()
  }

  /** False when it is full. */
  tryPut(item: Item): boolean {
    if (this.#items.size >= this.capacity) return false
    this.#items.push(item)
    this.#since.push(this.#clock.now())
    this.#accepted++
    if (this.#items.size > this.#highestSize) this.#highestSize = this.#items.size
    return true
  }

  /** Waits for room. Call it only when `tryPut` was false. */
  putLater(item: Item, signal: AbortSignal | undefined): Promise<void> {
    return this.#puts.wait(item, signal)
  }

  /** Counts an item that goes to its consumer at once. */
  pass(): void {
    this.#accepted++
    this.#times.record(0)
  }

  /** The first item. Call it only when there is one. */
  shift(): Item {
    const since = this.#since.shift() ?? 0
    const item = this.#items.shift() as Item
    this.#times.record(this.#clock.now() - since)
    const waiter = this.#puts.shift()
    if (waiter) {
      this.tryPut(waiter.value)
      waiter.resolve()
    }
    return item
  }

  /** Turns away those who wait to put. */
  refuse(error: unknown): void {
    this.#puts.rejectAll(error)
  }

  /** All items; none is left. */
  clear(): Item[] {
    this.#since.clear()
    return this.#items.clear()
  }
}
