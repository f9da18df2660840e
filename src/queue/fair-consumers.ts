import { systemClock, type Clock } from '../base/clock.js'
import { Crew, type Job } from './crew.js'
import { Deque } from './deque.js'
import { Durations, type DurationSummary } from './durations.js'
import { atLeastOne, queueAborted, queueClosed } from './errors.js'
import { Lane } from './lane.js'
import { isAbortOf } from './on-abort.js'
import { tellError } from './outcome.js'
import type { WaitOptions } from './take-side.js'
import { Waiters } from './waiters.js'

export interface FairConsumersOptions<Item> {
  /** Does the work of one item. Its failure is told to `onError`, and stops nothing. */
  readonly handler: (item: Item, context: HandlerContext) => unknown
  /** Handlers that run at once, at most. Default 1. */
  readonly consumers?: number
  /** Handlers of one queue that run at once, at most. 1 keeps the order of each queue. Default: no bound of its own. */
  readonly perQueue?: number
  /** Items that a queue holds at most; who puts more waits. Default 1024. */
  readonly capacity?: number
  /** Items of a queue that are served in its turn; a whole number of at least 1. Default 1 for every queue. */
  readonly weight?: (queue: string) => number
  /** Queues that stay while they are empty. All others come with their first item and go with their last. */
  readonly queues?: readonly string[]
  /** Told once of each failure of a handler. Without it, a failure is an unhandled rejection. */
  readonly onError?: (error: unknown, item: Item, queue: string) => void
  /** For messages. Default `queue`. */
  readonly name?: string
  /** For the time in the queue. Default: the monotonic clock of the system. */
  readonly clock?: Clock
}

export interface HandlerContext {
  /** The queue that the item was in. */
  readonly queue: string
  /** Aborts when `abort()` is called. It is one for all items: who listens on it must stop to. */
  readonly signal: AbortSignal
}

export interface FairConsumersStatistics {
  /** Items that were let in. */
  readonly puts: number
  /** Handlers that have ended, well or not. */
  readonly handled: number
  readonly failed: number
  /** Handlers that run. */
  readonly running: number
  /** Items that wait for a handler. */
  readonly size: number
  readonly waitingPuts: number
  /** From being let in to the start of the handler. */
  readonly timeInQueue: DurationSummary
  readonly queues: Readonly<Record<string, QueueState>>
}

export interface QueueState {
  readonly size: number
  readonly running: number
  readonly waitingPuts: number
  readonly highestSize: number
}

interface Queue<Item> {
  readonly name: string
  readonly lane: Lane<Item>
  readonly stays: boolean
  readonly weight: number
  running: number
  /** Items that it may still have served in this round. */
  credit: number
  /** It stands in the round: it has items, and a handler may start. */
  isReady: boolean
}

/**
 * One group of consumers over many queues, which are served in rounds: in its turn a
 * queue gets as many items served as its weight is (deficit round robin, in which all
 * items cost the same). A queue that is flooded waits for itself only. Any operation
 * takes constant time, however many queues there are.
 *
 * Order within a queue is that of the puts; with `perQueue: 1` also that of the
 * handlers, of which then never two of one queue run at once.
 *
 * Memory: the bound is that of one queue; how many names there are is the program's choice.
 *
 * @see Shreedhar, Varghese: Efficient Fair Queuing Using Deficit Round Robin (1995)
 */
export class FairConsumers<Item> {
  readonly name: string
  readonly #options: Required<Omit<FairConsumersOptions<Item>, 'onError' | 'weight' | 'queues' | 'name'>> & Pick<FairConsumersOptions<Item>, 'onError' | 'weight'>
  readonly #queues = new Map<string, Queue<Item>>()
  readonly #round = new Deque<Queue<Item>>()
  readonly #crew: Crew
  readonly #times = new Durations()
  readonly #drains = new Waiters<undefined, void>()
  readonly #abortion = new AbortController()
  readonly #counts = { puts: 0, handled: 0, failed: 0 }
  #size = 0
  #running = 0
  #closed = false

  /** @throws RangeError for a number of consumers or a bound that is not a whole number of at least 1 */
  constructor({ handler, consumers = 1, perQueue = Number.POSITIVE_INFINITY, capacity = 1024, clock = systemClock, name = 'queue', queues = [], onError, weight }: FairConsumersOptions<Item>) {
    atLeastOne('consumers', consumers)
    atLeastOne('perQueue', perQueue, { infinite: true })
    atLeastOne('capacity', capacity)
    this.name = name
    this.#options = { handler, consumers, perQueue, capacity, clock, onError, weight }
    this.#crew = new Crew(consumers, () => this.#nextJob())
    for (const queue of queues) this.#open(queue, true)
  }

  /** Items that wait for a handler. */
  get size(): number {
    return this.#size
  }

  /** Handlers that run. */
  get running(): number {
    return this.#running
  }

  get closed(): boolean {
    return this.#closed
  }

  get paused(): boolean {
    return this.#crew.paused
  }

  /**
   * Resolves when the item was let into its queue, waiting while that is full.
   *
   * @throws QUEUE_CLOSED, also while it waits; the reason of `abort()`; the signal's reason. The item was then not let in.
   */
  put(queue: string, item: Item, { signal }: WaitOptions = {}): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error)
    if (this.#closed) return Promise.reject(queueClosed('put into', this.name))
    return this.tryPut(queue, item) ? LET_IN : this.#queueOf(queue).lane.putLater(item, signal)
  }

  /** False when the queue is full, or all are closed. */
  tryPut(name: string, item: Item): boolean {
    if (this.#closed) return false
    const queue = this.#queueOf(name)
    if (!queue.lane.tryPut(item)) return false
    this.#counts.puts++
    this.#size++
    this.#standIn(queue)
    if (queue.isReady) this.#crew.wake()
    return true
  }

  /** No further handler starts; puts go on. Resolves when none is running. */
  pause(options?: WaitOptions): Promise<void> {
    return this.#crew.pause(options)
  }

  resume(): void {
    this.#crew.resume()
  }

  /** Resolves as soon as nothing waits and no handler runs. While paused that does not come by itself. */
  drain({ signal }: WaitOptions = {}): Promise<void> {
    return this.#isDrained() ? Promise.resolve() : this.#drains.wait(undefined, signal)
  }

  /**
   * No more puts; those who wait for room are turned away with QUEUE_CLOSED. What was
   * let in is handled, also when paused. Resolves when all is done.
   */
  close(options?: WaitOptions): Promise<void> {
    this.#refuse(queueClosed('put into', this.name))
    this.resume()
    return this.drain(options)
  }

  /** As `close()`, but at once: no further handler starts, running ones have their signal aborted. Gives back the items that no handler got. */
  abort(reason: unknown = queueAborted(this.name)): readonly Item[] {
    this.#refuse(reason)
    const items = [...this.#queues.values()].flatMap((queue) => queue.lane.clear())
    this.#size = 0
    this.#abortion.abort(reason)
    if (this.#isDrained()) this.#drains.resolveAll()
    return items
  }

  statistics(): FairConsumersStatistics {
    const states = [...this.#queues.values()].map(({ name, running, lane: { size, waitingPuts, highestSize } }) => [name, { size, running, waitingPuts, highestSize }] as const)
    return {
      ...this.#counts, running: this.#running, size: this.#size,
      waitingPuts: states.reduce((sum, [, { waitingPuts }]) => sum + waitingPuts, 0),
      timeInQueue: this.#times.summary(), queues: Object.fromEntries(states),
    }
  }

  #nextJob(): Job | undefined {
    for (let queue = this.#round.peek(); queue; queue = this.#round.peek()) {
      if (this.#mayStart(queue)) return this.#start(queue)
      this.#round.shift()
      queue.isReady = false
      if (queue.lane.size === 0) queue.credit = 0
    }
    return undefined
  }

  #mayStart({ lane, running }: Queue<Item>): boolean {
    return lane.size > 0 && running < this.#options.perQueue
  }

  /** Takes an item of the queue whose turn it is, which stays first in the round as long as it has credit. */
  #start(queue: Queue<Item>): Job {
    const { lane } = queue
    const before = lane.size
    const item = lane.shift()
    // One that waited for room has come in its place.
    if (lane.size === before) this.#counts.puts++
    else this.#size--
    queue.running++
    this.#running++
    queue.credit--
    if (queue.credit <= 0) {
      this.#round.shift()
      this.#round.push(queue)
      queue.credit = queue.weight
    }
    return () => this.#handle(queue, item)
  }

  async #handle(queue: Queue<Item>, item: Item): Promise<void> {
    const { handler } = this.#options
    try {
      await handler(item, { queue: queue.name, signal: this.#abortion.signal })
    } catch (error) {
      this.#fail(error, item, queue.name)
    }
    this.#counts.handled++
    this.#end(queue)
  }

  #fail(error: unknown, item: Item, queue: string): void {
    if (isAbortOf(this.#abortion.signal, error)) return
    const { onError } = this.#options
    this.#counts.failed++
    tellError(error, onError && ((failure) => onError(failure, item, queue)))
  }

  #end(queue: Queue<Item>): void {
    queue.running--
    this.#running--
    if (queue.lane.size > 0) this.#standIn(queue)
    else if (queue.running === 0 && !queue.stays) this.#queues.delete(queue.name)
    if (this.#isDrained()) this.#drains.resolveAll()
  }

  #standIn(queue: Queue<Item>): void {
    if (!queue.isReady && this.#mayStart(queue)) this.#joinRound(queue)
  }

  /** At its end; first again, when only the bound on its handlers had cut its turn short. */
  #joinRound(queue: Queue<Item>): void {
    queue.isReady = true
    if (queue.credit > 0 && queue.credit < queue.weight) return this.#round.unshift(queue)
    queue.credit = queue.weight
    this.#round.push(queue)
  }

  #queueOf(name: string): Queue<Item> {
    return this.#queues.get(name) ?? this.#open(name, false)
  }

  #open(name: string, stays: boolean): Queue<Item> {
    const { capacity, clock, weight } = this.#options
    const lane = new Lane<Item>({ capacity, clock, times: this.#times })
    const queue = { name, stays, lane, weight: weight ? atLeastOne('weight', weight(name)) : 1, running: 0, credit: 0, isReady: false }
    this.#queues.set(name, queue)
    return queue
  }

  #refuse(error: unknown): void {
    this.#closed = true
    for (const { lane } of this.#queues.values()) lane.refuse(error)
  }

  #isDrained(): boolean {
    return this.#size === 0 && this.#running === 0
  }
}

/** One for all: it carries nothing. */
const LET_IN = Promise.resolve()
