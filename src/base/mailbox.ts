/**
 * An unbounded queue with one reader, who may wait for the next item up to a
 * deadline. Signal handlers and process callbacks only `send`; the one loop that
 * `receive`s is the only code that acts. Unbounded, because what is sent comes
 * from the kernel and from a fixed number of workers, never from the network.
 */
export class Mailbox<Item> {
  readonly #items: Item[] = []
  #wake: (() => void) | undefined

  send(item: Item): void {
    this.#items.push(item)
    this.#wake?.()
  }

  /** The next item; undefined when none came within `timeoutMs`. One caller at a time. */
  async receive(timeoutMs: number): Promise<Item | undefined> {
    if (this.#items.length === 0 && timeoutMs > 0) await this.#arrival(timeoutMs)
    return this.#items.shift()
  }

  /** Resolves when an item has come or the time is over, whichever is first. */
  #arrival(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve()
      }
      const timer = Number.isFinite(timeoutMs) ? setTimeout(done, Math.min(timeoutMs, 2 ** 31 - 1)) : undefined
      this.#wake = done
    })
  }
}
