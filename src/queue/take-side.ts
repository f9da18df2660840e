import { hasCode } from '../base/errors.js'
import { queueClosed } from './errors.js'
import { Waiters } from './waiters.js'

export interface WaitOptions {
  /** Ends the wait: it rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/**
 * The side of a queue at which items are taken: any number of consumers, who get
 * items in the order in which they asked, each item once. Somebody waits only while
 * there is no item.
 */
export abstract class TakeSide<Item> implements AsyncIterable<Item> {
  readonly name: string
  readonly #takes = new Waiters<undefined, Item>()
  readonly #drains = new Waiters<undefined, void>()
  #closed = false

  constructor(name: string) {
    this.name = name
  }

  /** Items that may be taken now. */
  abstract get size(): number

  /** Those who wait for room. */
  abstract get waitingPuts(): number

  /** The next item. Called only when there is one. */
  protected abstract next(): Item

  /** Turns away those who wait for room. */
  protected abstract refusePuts(error: unknown): void

  get closed(): boolean {
    return this.#closed
  }

  /** Consumers that wait for an item. */
  get waitingTakes(): number {
    return this.#takes.size
  }

  /** The next item; undefined when there is none. */
  tryTake(): Item | undefined {
    return this.size === 0 ? undefined : this.#take()
  }

  /**
   * The next item, waiting for it where there is none.
   *
   * @throws QUEUE_CLOSED when the queue is closed and empty; the signal's reason
   */
  take({ signal }: WaitOptions = {}): Promise<Item> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error)
    if (this.size > 0) return Promise.resolve(this.#take())
    if (this.#closed) return Promise.reject(queueClosed('take from', this.name))
    return this.#takes.wait(undefined, signal)
  }

  /** Items as they come, until the queue is closed and empty. Several may iterate at once: each item goes to one of them. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Item> {
    return this.items()
  }

  /** The same, with a signal that ends it: the iteration rejects with its reason. */
  items({ signal }: WaitOptions = {}): AsyncIterableIterator<Item> {
    const left = new AbortController()
    const end = signal ? AbortSignal.any([signal, left.signal]) : left.signal
    const iterator: AsyncIterableIterator<Item> = {
      [Symbol.asyncIterator]: () => iterator,
      // The short way, without a wait, is most of what a busy queue does.
      next: () => this.size > 0 && !end.aborted ? Promise.resolve({ done: false, value: this.#take() }) : this.take({ signal: end }).then(
        (value) => ({ done: false, value }),
        (error: unknown) => {
          if (left.signal.aborted || hasCode(error, 'QUEUE_CLOSED')) return { done: true, value: undefined }
          throw error
        },
      ),
      // An item that no step of the iteration is left to get stays in the queue.
      return: async () => {
        left.abort()
        return { done: true, value: undefined }
      },
    }
    return iterator
  }

  /** Resolves as soon as the queue is empty and nobody waits for room. It may be filled again afterwards, unless it is closed. */
  drain({ signal }: WaitOptions = {}): Promise<void> {
    return this.#isDrained() ? Promise.resolve() : this.#drains.wait(undefined, signal)
  }

  /**
   * No more puts; those who wait for room are turned away with QUEUE_CLOSED. What is
   * in the queue can still be taken; after it, takes reject and iterations end.
   */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.refusePuts(queueClosed('put into', this.name))
    if (this.size > 0) return
    this.#takes.rejectAll(queueClosed('take from', this.name))
    this.#drains.resolveAll()
  }

  /** Gives `item` to the consumer that has waited longest; false when none waits. */
  protected deliver(item: Item): boolean {
    const taker = this.#takes.shift()
    taker?.resolve(item)
    return taker !== undefined
  }

  #take(): Item {
    const item = this.next()
    if (this.#isDrained()) this.#drains.resolveAll()
    return item
  }

  #isDrained(): boolean {
    return this.size === 0 && this.waitingPuts === 0
  }
}
