/**
 * When which name must be looked at next: a binary heap in which a name has an
 * entry no later than its true time. A time that moves on (a renewed lease) costs
 * nothing: the name is looked at too early once and set again.
 */
export class Deadlines {
  readonly #heap: Entry[] = []
  /** The earliest entry of each name. Later ones of the same name are void. */
  readonly #earliest = new Map<string, number>()

  /** `name` must be looked at by `at`. */
  set(name: string, at: number): void {
    if (at >= (this.#earliest.get(name) ?? Number.POSITIVE_INFINITY)) return
    this.#earliest.set(name, at)
    this.#push({ name, at })
  }

  /** The earliest time; undefined: there is none. */
  next(): number | undefined {
    this.#dropVoid()
    return this.#heap[0]?.at
  }

  /** Takes out every name whose time has come. */
  take(now: number): string[] {
    const names: string[] = []
    for (let at = this.next(); at !== undefined && at <= now; at = this.next()) {
      const entry = this.#pop()
      if (!entry) break
      this.#earliest.delete(entry.name)
      names.push(entry.name)
    }
    return names
  }

  #dropVoid(): void {
    for (let top = this.#heap[0]; top && this.#earliest.get(top.name) !== top.at; top = this.#heap[0]) this.#pop()
  }

  #push(entry: Entry): void {
    let hole = this.#heap.push(entry) - 1
    while (hole > 0) {
      const above = (hole - 1) >> 1
      const parent = this.#heap[above]
      if (!parent || parent.at <= entry.at) break
      this.#heap[hole] = parent
      hole = above
    }
    this.#heap[hole] = entry
  }

  #pop(): Entry | undefined {
    const top = this.#heap[0]
    const last = this.#heap.pop()
    if (!top || !last || this.#heap.length === 0) return top
    let hole = 0
    for (;;) {
      const child = this.#smallerChild(hole)
      const below = this.#heap[child]
      if (!below || below.at >= last.at) break
      this.#heap[hole] = below
      hole = child
    }
    this.#heap[hole] = last
    return top
  }

  #smallerChild(parent: number): number {
    const left = this.#heap[2 * parent + 1]
    const right = this.#heap[2 * parent + 2]
    return right && left && right.at < left.at ? 2 * parent + 2 : 2 * parent + 1
  }
}

interface Entry {
  readonly name: string
  readonly at: number
}
