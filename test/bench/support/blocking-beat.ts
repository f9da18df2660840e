/**
 * A beat on a grid, as a worker's heartbeat is: how late each was, in ms, tells
 * how long the event loop was held up.
 */
export class Beat {
  readonly #periodMs: number
  readonly #first = performance.now()
  readonly #lateness: number[] = []
  #point = 1
  #timer: NodeJS.Timeout

  constructor(periodMs: number) {
    this.#periodMs = periodMs
    this.#timer = setTimeout(this.#tick, periodMs)
  }

  /** The last beat is one that has come: a loop that is held up to the very end is seen. */
  async stop(): Promise<readonly number[]> {
    const count = this.#lateness.length
    while (this.#lateness.length === count) await new Promise((resolve) => setTimeout(resolve, this.#periodMs / 4))
    clearTimeout(this.#timer)
    return this.#lateness
  }

  readonly #tick = (): void => {
    const late = this.#lateMs()
    if (late >= 0) {
      this.#lateness.push(late)
      this.#point += Math.max(1, Math.ceil(late / this.#periodMs))
    }
    this.#timer = setTimeout(this.#tick, Math.max(0, -this.#lateMs()))
  }

  /** Below 0: so long before its point. */
  #lateMs(): number {
    return performance.now() - this.#first - this.#point * this.#periodMs
  }
}
