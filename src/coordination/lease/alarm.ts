import type { LeaseTime, LeaseTimer } from './lease-time.js'

/** One timer that is set to the earliest of many times. It may ring too early for what it was set for, never too late. */
export class Alarm {
  readonly #time: LeaseTime
  readonly #ring: () => void
  #timer: LeaseTimer | undefined
  #at = Number.POSITIVE_INFINITY
  #waiting = 0

  constructor(time: LeaseTime, ring: () => void) {
    this.#time = time
    this.#ring = () => {
      this.cancel()
      ring()
    }
  }

  /** Rings at `at`, by `LeaseTime.mono()`, or before. */
  ringBy(at: number): void {
    if (at >= this.#at) return
    this.#timer?.cancel()
    this.#at = at
    this.#timer = this.#time.timer(Math.max(0, at - this.#time.mono()), this.#ring)
    this.#timer.keepAlive(this.#waiting > 0)
  }

  /** While somebody waits, the timer keeps the process alive. What is only held does not: a connection does. */
  async whileWaiting(wait: Promise<void>): Promise<void> {
    this.#waiting++
    this.#timer?.keepAlive(true)
    try {
      await wait
    } finally {
      if (--this.#waiting === 0) this.#timer?.keepAlive(false)
    }
  }

  cancel(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#at = Number.POSITIVE_INFINITY
  }
}
