import type { CoordinationStore, ReleaseReply, ReleaseRequest } from '../store.js'
import type { LeaseTime } from './lease-time.js'
import { backoffMs } from './timing.js'

export interface OwedReleasesOptions {
  readonly store: CoordinationStore
  readonly time: LeaseTime
  readonly random: () => number
  /** Called when the store has nothing of it any more. */
  readonly settled: (slot: number) => void
  /** Called when `retry` should be called by that time. */
  readonly retryBy: (at: number) => void
}

interface Debt {
  readonly request: ReleaseRequest
  readonly slot: number
  /** When the lease, or the place in the queue, has ended by itself. */
  readonly until: number
  retryAt: number
  failures: number
}

/**
 * Releases that are on their way, and those that the store could not be told of:
 * they are sent again until the lease must have ended by itself. All times are
 * `LeaseTime.mono()`.
 */
export class OwedReleases {
  readonly #options: OwedReleasesOptions
  readonly #owed = new Set<Debt>()
  readonly #underWay = new Set<Promise<unknown>>()

  constructor(options: OwedReleasesOptions) {
    this.#options = options
  }

  /** Undefined: the store did not answer; it is owed for `ttlMs` at most. Never rejects. */
  send(request: ReleaseRequest, ttlMs: number, slot: number): Promise<ReleaseReply | undefined> {
    return this.#pay({ request, slot, until: this.#options.time.mono() + ttlMs, retryAt: 0, failures: 0 })
  }

  get nextAt(): number {
    let next = Number.POSITIVE_INFINITY
    for (const debt of this.#owed) next = Math.min(next, debt.retryAt)
    return next
  }

  retry(now: number): void {
    for (const debt of this.#owed) {
      if (debt.retryAt > now) continue
      this.#owed.delete(debt)
      if (debt.until <= now) this.#options.settled(debt.slot)
      else void this.#pay(debt)
    }
  }

  /** Sends what is owed a last time, and waits for all answers: one command's deadline. */
  async settle(): Promise<void> {
    for (const debt of [...this.#owed]) void this.#pay(debt)
    await Promise.allSettled(this.#underWay)
    this.#owed.clear()
  }

  async #pay(debt: Debt): Promise<ReleaseReply | undefined> {
    const call = this.#options.store.release(debt.request)
    this.#underWay.add(call)
    try {
      const reply = await call
      this.#options.settled(debt.slot)
      return reply
    } catch {
      this.#owe(debt)
      return undefined
    } finally {
      this.#underWay.delete(call)
    }
  }

  #owe(debt: Debt): void {
    debt.failures++
    debt.retryAt = this.#options.time.mono() + backoffMs(debt.failures, this.#options.random())
    this.#owed.add(debt)
    this.#options.retryBy(debt.retryAt)
  }
}
