const SMALLEST_RING = 8

/**
 * A double-ended queue in a ring: each operation takes constant time, on average
 * over those that make the ring larger or smaller. `Array.shift` moves the whole
 * array once it has more than some 50,000 items, which makes a full queue quadratic.
 */
export class Deque<Item> {
  /** Its length is a power of two, so that an index wraps by its mask. */
  #ring: (Item | undefined)[] = new Array<undefined>(SMALLEST_RING)
  #head = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  push(item: Item): void {
    if (this.#size === this.#ring.length) this.#resize(this.#size * 2)
    this.#ring[(this.#head + this.#size) & (this.#ring.length - 1)] = item
    this.#size++
  }

  unshift(item: Item): void {
    if (this.#size === this.#ring.length) this.#resize(this.#size * 2)
    this.#head = (this.#head - 1) & (this.#ring.length - 1)
    this.#ring[this.#head] = item
    this.#size++
  }

  /** The first item, which stays; undefined when there is none. */
  peek(): Item | undefined {
    return this.#ring[this.#head]
  }

  /** The first item, which goes; undefined when there is none. */
  shift(): Item | undefined {
    if (this.#size === 0) return undefined
    const item = this.#ring[this.#head]
    this.#ring[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#ring.length - 1)
    this.#size--
    if (this.#size < this.#ring.length / 8 && this.#ring.length > SMALLEST_RING) this.#resize(this.#ring.length / 2)
    return item
  }

  /** All items, in order; none is left. */
  clear(): Item[] {
    const items = this.#inOrder() as Item[]
    this.#ring = new Array<undefined>(SMALLEST_RING)
    this.#head = 0
    this.#size = 0
    return items
  }

  #resize(length: number): void {
    const items = this.#inOrder()
    items.length = length
    this.#ring = items
    this.#head = 0
  }

  #inOrder(): (Item | undefined)[] {
    const end = this.#head + this.#size
    const first = this.#ring.slice(this.#head, end)
    return end > this.#ring.length ? first.concat(this.#ring.slice(0, end - this.#ring.length)) : first
  }
}
