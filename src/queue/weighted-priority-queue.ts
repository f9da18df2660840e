import { systemClock, type Clock } from '../base/clock.js'
import { Durations, type DurationSummary } from './durations.js'
import { atLeastOne, queueClosed } from './errors.js'
import { Lane } from './lane.js'
import { TakeSide, type WaitOptions } from './take-side.js'

export interface WeightedPriorityQueueOptions<Class extends string> {
  /** Weight by class, each above 0: of `{ high: 9, low: 1 }` low gets every tenth turn while both have items. */
  readonly classes: Readonly<Record<Class, number>>
  /** An item that has waited as long goes next, in ms. Default: no bound. */
  readonly maxAgeMs?: number
  /** Items of one class that it holds at most. Default 1024. */
  readonly capacity?: number
  /** For messages. Default `queue`. */
  readonly name?: string
  /** For the age of items. Default: the monotonic clock of the system. */
  readonly clock?: Clock
}

export interface ClassStatistics {
  readonly puts: number
  readonly takes: number
  readonly size: number
  readonly highestSize: number
  readonly waitingPuts: number
  readonly timeInQueue: DurationSummary
}

interface PriorityClass<Item> {
  readonly weight: number
  readonly lane: Lane<Item>
  readonly times: Durations
  /** Grows by the weight with each turn of others, and falls by all weights with a turn of its own. */
  credit: number
  /** The number of the turn that it had last. */
  servedAt: number
}

/** The class that every queue has: drain, configuration. It is served first, and has room of its own. */
export const CONTROL = 'control'

/**
 * A queue whose classes share the turns by their weights. Strict priority would
 * let a class starve for as long as those above it have items.
 *
 * The next item is, in this order:
 * 1. of the class `control`, which a flood of data thus never delays;
 * 2. one that has waited `maxAgeMs`; of several classes that have such, the one
 *    that has had no turn for longest, so that an old flood cannot hold up others.
 *    The first item of a class waits for the bound and, with n classes, the items of
 *    n - 1 turns at most: with two, for the bound and the item in hand;
 * 3. by smooth weighted round robin over the classes that have items: turns
 *    are spread evenly, and a class saves up nothing while it has none.
 *
 * Each class has its own bound: a flood in one takes no room from another.
 * Order is kept within a class. Taking costs time in proportion to the classes.
 *
 * Not guaranteed: the weights, while items are older than the bound.
 *
 * @see nginx, ngx_http_upstream_round_robin.c, for the smooth kind
 */
export class WeightedPriorityQueue<Item, Class extends string = string> extends TakeSide<Item> {
  readonly #classes = new Map<string, PriorityClass<Item>>()
  readonly #control: PriorityClass<Item>
  readonly #maxAgeMs: number
  readonly #clock: Clock
  #size = 0
  #turn = 0

  /** @throws RangeError for a weight that is not above 0, a bound below 0, a capacity that is not a whole number of at least 1 */
  constructor({ classes, maxAgeMs = Number.POSITIVE_INFINITY, capacity = 1024, name = 'queue', clock = systemClock }: WeightedPriorityQueueOptions<Class>) {
    super(name)
    if (!(maxAgeMs >= 0)) throw new RangeError(`Cannot use the option maxAgeMs as it is not below 0: ${maxAgeMs}`)
    this.#maxAgeMs = maxAgeMs
    this.#clock = clock
    atLeastOne('capacity', capacity)
    for (const [each, weight] of Object.entries<number>(classes)) {
      if (each === CONTROL) throw new RangeError(`Cannot use the class "${CONTROL}" as it has no weight: it is always there, and first`)
      if (!(weight > 0 && Number.isFinite(weight))) throw new RangeError(`Cannot use the class "${each}" as its weight is finite and above 0: ${weight}`)
      this.#classes.set(each, newClass(weight, capacity, clock))
    }
    this.#control = newClass(0, capacity, clock)
  }

  override get size(): number {
    return this.#size
  }

  override get waitingPuts(): number {
    return this.#all().reduce((sum, { lane }) => sum + lane.waitingPuts, 0)
  }

  /**
   * Resolves when the item was let in. Waits while its class is full.
   *
   * @throws QUEUE_CLOSED, also while it waits; the signal's reason; RangeError for an unknown class
   */
  async put(item: Item, name: Class | typeof CONTROL, { signal }: WaitOptions = {}): Promise<void> {
    const { lane } = this.#classOf(name)
    signal?.throwIfAborted()
    if (this.closed) throw queueClosed('put into', this.name)
    if (!this.tryPut(item, name)) await lane.putLater(item, signal)
  }

  /** False when its class is full, or the queue closed. */
  tryPut(item: Item, name: Class | typeof CONTROL): boolean {
    const { lane } = this.#classOf(name)
    if (this.closed) return false
    if (this.deliver(item)) {
      lane.pass()
      return true
    }
    if (!lane.tryPut(item)) return false
    this.#size++
    return true
  }

  /** By class, `control` included. */
  statistics(): Readonly<Record<Class | typeof CONTROL, ClassStatistics>> {
    const entries = [...this.#classes, [CONTROL, this.#control] as const].map(([name, { lane, times }]) => [name, {
      puts: lane.accepted, takes: lane.accepted - lane.size, size: lane.size, highestSize: lane.highestSize,
      waitingPuts: lane.waitingPuts, timeInQueue: times.summary(),
    } satisfies ClassStatistics])
    return Object.fromEntries(entries) as Record<Class | typeof CONTROL, ClassStatistics>
  }

  protected override next(): Item {
    const next = this.#control.lane.size > 0 ? this.#control : this.#aged() ?? this.#byWeight()
    const before = next.lane.size
    const item = next.lane.shift()
    // Unless one that waited for room came in its place.
    this.#size += next.lane.size - before
    next.servedAt = ++this.#turn
    if (next.lane.size === 0) next.credit = 0
    return item
  }

  protected override refusePuts(error: unknown): void {
    for (const { lane } of this.#all()) lane.refuse(error)
  }

  #aged(): PriorityClass<Item> | undefined {
    if (this.#maxAgeMs === Number.POSITIVE_INFINITY) return undefined
    const bornBy = this.#clock.now() - this.#maxAgeMs
    let next: PriorityClass<Item> | undefined
    for (const each of this.#classes.values()) {
      const isAged = (each.lane.oldestSince ?? Number.POSITIVE_INFINITY) <= bornBy
      if (isAged && (!next || each.servedAt < next.servedAt)) next = each
    }
    return next
  }

  #byWeight(): PriorityClass<Item> {
    let next: PriorityClass<Item> | undefined
    let weights = 0
    for (const each of this.#classes.values()) {
      if (each.lane.size === 0) continue
      each.credit += each.weight
      weights += each.weight
      if (!next || each.credit > next.credit) next = each
    }
    if (!next) throw new Error('Cannot take an item as there is none')
    next.credit -= weights
    return next
  }

  #classOf(name: string): PriorityClass<Item> {
    const found = name === CONTROL ? this.#control : this.#classes.get(name)
    if (!found) throw new RangeError(`Cannot put into the queue "${this.name}" as it has no such class: "${name}"`)
    return found
  }

  #all(): PriorityClass<Item>[] {
    return [this.#control, ...this.#classes.values()]
  }
}

function newClass<Item>(weight: number, capacity: number, clock: Clock): PriorityClass<Item> {
  const times = new Durations()
  return { weight, times, lane: new Lane({ capacity, clock, times }), credit: 0, servedAt: 0 }
}
