import { onAbort } from './on-abort.js'

/** One who waits. It has left the line when it is settled, so that it is settled once. */
export interface Waiter<Value, Result> {
  readonly value: Value
  resolve(result: Result): void
  reject(error: unknown): void
}

interface Link<Value, Result> extends Waiter<Value, Result> {
  previous: Link<Value, Result> | undefined
  next: Link<Value, Result> | undefined
  stopListening: (() => void) | undefined
}

/**
 * A line of those who wait, oldest first, as a linked list: who gives up leaves from
 * the middle in constant time, and takes the listener on the signal along.
 */
export class Waiters<Value, Result> {
  #first: Link<Value, Result> | undefined
  #last: Link<Value, Result> | undefined
  #size = 0
  readonly #onGiveUp: ((value: Value) => void) | undefined

  /** `onGiveUp` is called with the value of one whose signal has aborted. */
  constructor(onGiveUp?: (value: Value) => void) {
    this.#onGiveUp = onGiveUp
  }

  get size(): number {
    return this.#size
  }

  /** Rejects with the signal's reason as soon as it aborts. */
  wait(value: Value, signal?: AbortSignal): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return void reject(signal.reason as Error)
      const link: Link<Value, Result> = { value, resolve, reject, previous: this.#last, next: undefined, stopListening: undefined }
      this.#append(link)
      if (signal) link.stopListening = onAbort(signal, () => this.#giveUp(link, signal))
    })
  }

  /** The one who has waited longest, who leaves the line and is the caller's to settle. */
  shift(): Waiter<Value, Result> | undefined {
    const link = this.#first
    if (link) this.#remove(link)
    return link
  }

  /** The one who came last and of whom `matches` is true; takes time in proportion to those after it. */
  takeLast(matches: (value: Value) => boolean): Waiter<Value, Result> | undefined {
    for (let link = this.#last; link; link = link.previous) {
      if (!matches(link.value)) continue
      this.#remove(link)
      return link
    }
    return undefined
  }

  resolveAll(result: Result): void {
    for (let waiter = this.shift(); waiter; waiter = this.shift()) waiter.resolve(result)
  }

  /** Gives back the values of those who waited. */
  rejectAll(error: unknown): Value[] {
    const values: Value[] = []
    for (let waiter = this.shift(); waiter; waiter = this.shift()) {
      values.push(waiter.value)
      waiter.reject(error)
    }
    return values
  }

  #giveUp(link: Link<Value, Result>, signal: AbortSignal): void {
    this.#remove(link)
    link.reject(signal.reason)
    this.#onGiveUp?.(link.value)
  }

  #append(link: Link<Value, Result>): void {
    if (this.#last) this.#last.next = link
    else this.#first = link
    this.#last = link
    this.#size++
  }

  #remove(link: Link<Value, Result>): void {
    link.stopListening?.()
    if (link.previous) link.previous.next = link.next
    else this.#first = link.next
    if (link.next) link.next.previous = link.previous
    else this.#last = link.previous
    this.#size--
  }
}
