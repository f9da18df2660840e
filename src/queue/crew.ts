import { AsyncResource } from 'node:async_hooks'
import type { WaitOptions } from './take-side.js'
import { Waiters } from './waiters.js'

/** One piece of work, to its end. Never rejects. */
export type Job = () => Promise<void>

/**
 * A fixed number of consumers that take one job after the other, and are gone while
 * there is none: an idle crew costs nothing.
 *
 * A consumer starts in a later microtask, never within the call that brought the work,
 * so that whoever only receives does not run somebody's handler. Its asynchronous
 * context is that in which the crew was made: a job must not log with the fields of
 * whoever happened to wake its consumer.
 */
export class Crew {
  readonly size: number
  readonly #next: () => Job | undefined
  readonly #context = new AsyncResource('reeve.queue.Crew')
  readonly #resting = new Waiters<undefined, void>()
  #consumers = 0
  #paused = false

  /** `next` gives the next job, and undefined when there is none now. */
  constructor(size: number, next: () => Job | undefined) {
    this.size = size
    this.#next = next
  }

  get paused(): boolean {
    return this.#paused
  }

  /** There is one more job, perhaps. */
  wake(): void {
    if (this.#paused || this.#consumers >= this.size) return
    this.#consumers++
    queueMicrotask(() => this.#context.runInAsyncScope(() => void this.#consume()))
  }

  /** No further job begins. Resolves when none is in progress. */
  pause({ signal }: WaitOptions = {}): Promise<void> {
    this.#paused = true
    return this.#consumers === 0 ? Promise.resolve() : this.#resting.wait(undefined, signal)
  }

  resume(): void {
    this.#paused = false
    for (let missing = this.size - this.#consumers; missing > 0; missing--) this.wake()
  }

  async #consume(): Promise<void> {
    while (!this.#paused) {
      const job = this.#next()
      if (!job) break
      await job()
    }
    this.#consumers--
    if (this.#consumers === 0) this.#resting.resolveAll()
  }
}
