import type { LeaseTime } from '../lease/lease-time.js'

/** Wakes one loop: by a message, by time, or for the last time when one of its signals aborts. */
export class Bell implements Disposable {
  readonly #time: LeaseTime
  readonly #ends: readonly AbortSignal[]
  readonly #onEnd = (): void => { this.ring() }
  #ringing = false
  #resume: (() => void) | undefined

  constructor(time: LeaseTime, ends: readonly AbortSignal[]) {
    this.#time = time
    this.#ends = ends
    for (const signal of ends) signal.addEventListener('abort', this.#onEnd, { once: true })
  }

  get over(): boolean {
    return this.#ends.some((signal) => signal.aborted)
  }

  /** What rang up to now has been heard. */
  quiet(): void {
    this.#ringing = false
  }

  ring(): void {
    this.#ringing = true
    this.#resume?.()
  }

  /** Resolves `ms` from now, or with the next ring, or at once when it rang since `quiet()`. */
  async rung(ms: number): Promise<void> {
    if (this.#ringing || this.over) return
    await new Promise<void>((resolve) => {
      const timer = this.#time.timer(ms, resolve)
      this.#resume = () => {
        timer.cancel()
        resolve()
      }
    })
    this.#resume = undefined
  }

  [Symbol.dispose](): void {
    for (const signal of this.#ends) signal.removeEventListener('abort', this.#onEnd)
  }
}
