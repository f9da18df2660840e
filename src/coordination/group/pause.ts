import type { Clock } from '../../base/clock.js'

/** The sleep of a loop that can be cut short. A `wake()` while the loop works counts for its next sleep. One sleeper. */
export class Pause {
  readonly #clock: Clock
  #woken = false
  #sleeping: AbortController | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  wake(): void {
    this.#woken = true
    this.#sleeping?.abort()
  }

  /** Resolves after `ms`, or when woken. */
  async sleep(ms: number): Promise<void> {
    if (!this.#woken) await this.#sleep(ms)
    this.#woken = false
  }

  async #sleep(ms: number): Promise<void> {
    const sleeping = new AbortController()
    this.#sleeping = sleeping
    try {
      await this.#clock.sleep(ms, sleeping.signal)
    } catch (error) {
      if (!sleeping.signal.aborted) throw error
    }
  }
}
