import { randomUUID } from 'node:crypto'
import type { Clock } from '../../base/clock.js'
import { GroupTable } from './group-table.js'
import type { Happened, Outcome } from './happened.js'
import { LeaseTable } from './lease-table.js'

/** Who takes part in a store: its requests, and how it hears of changes. */
export interface Participant {
  /** Resource by the id of each request that holds or waits. */
  readonly requests: Map<string, string>
  wake(id: string): void
}

export interface HubOptions {
  readonly clock: Clock
  /** ms since 1970, asked once: from then on `clock` says how much has passed. */
  readonly wallClock: () => number
  readonly quarantineMs: number
}

/**
 * What all participants of one embedded store share: the two tables, one clock, one
 * timer, and the way from a change to those whom it concerns.
 *
 * The clock begins at the wall clock's time and never jumps. Fences are made of it:
 * after a restart they go on growing, unless the wall clock was set back meanwhile.
 */
export class EmbeddedHub {
  /** Of this store and no other, in any process. */
  readonly id = randomUUID()
  readonly leases: LeaseTable
  readonly groups = new GroupTable()
  readonly #clock: Clock
  /** From the clock's ms to the store's, which are since 1970. */
  readonly #offsetMs: number
  readonly #requesters = new Map<string, Participant>()
  readonly #listeners = new Map<string, Set<() => void>>()
  #closed = false
  #timer = new AbortController()
  #timerAt = Number.POSITIVE_INFINITY
  #ticking: Promise<void> = Promise.resolve()

  constructor({ clock, wallClock, quarantineMs }: HubOptions) {
    this.#clock = clock
    const startedAt = wallClock()
    this.#offsetMs = startedAt - clock.now()
    this.leases = new LeaseTable({ quarantinedUntil: quarantineMs > 0 ? Math.ceil(startedAt + quarantineMs) : 0 })
  }

  get closed(): boolean {
    return this.#closed
  }

  /** µs since 1970. */
  get now(): number {
    return Math.floor((this.#clock.now() + this.#offsetMs) * 1_000)
  }

  /** How many requests hold or wait. */
  get requests(): number {
    return this.#requesters.size
  }

  /** Tells whom it concerns what a step of a table has caused, and hands on the step's answer. */
  pass<Reply>({ reply, happened }: Outcome<Reply>): Reply {
    this.#tell(happened)
    return reply
  }

  /** From now on the request is this participant's: it is woken, and dies with it. */
  own(participant: Participant, id: string, name: string): void {
    this.#requesters.get(id)?.requests.delete(id)
    this.#requesters.set(id, participant)
    participant.requests.set(id, name)
  }

  subscribe(topic: string, listener: () => void): () => void {
    // A function of its own: the same listener may come twice.
    const hear = (): void => listener()
    const listeners = this.#listeners.get(topic) ?? new Set()
    this.#listeners.set(topic, listeners.add(hear))
    return () => {
      listeners.delete(hear)
      if (listeners.size === 0 && this.#listeners.get(topic) === listeners) this.#listeners.delete(topic)
    }
  }

  /** Ends the timer when nobody holds or waits, so that it does not keep the process of a client alive that has gone. */
  rest(): void {
    if (this.requests > 0) return
    this.#timer.abort()
    this.#timerAt = Number.POSITIVE_INFINITY
  }

  /** What is held is forgotten. */
  async close(): Promise<void> {
    this.#closed = true
    this.#timer.abort()
    await this.#ticking
  }

  /** Later than the answer of this step, and of every step before it. */
  #tell({ wakes, topics, ended }: Happened): void {
    for (const id of ended) {
      this.#requesters.get(id)?.requests.delete(id)
      this.#requesters.delete(id)
    }
    for (const id of wakes) {
      const participant = this.#requesters.get(id)
      if (participant) queueMicrotask(() => participant.wake(id))
    }
    for (const topic of topics) {
      for (const listener of this.#listeners.get(topic) ?? []) queueMicrotask(listener)
    }
    this.#setTimer()
  }

  #setTimer(): void {
    const due = this.leases.nextDue()
    if (this.#closed || due === undefined || due >= this.#timerAt) return
    this.#timer.abort()
    this.#timer = new AbortController()
    this.#timerAt = due
    this.#ticking = this.#sweepAt(due, this.#timer.signal)
  }

  async #sweepAt(due: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#clock.sleep(due - this.now / 1_000, signal)
    } catch (error) {
      if (signal.aborted) return
      throw error
    }
    if (signal.aborted) return
    this.#timerAt = Number.POSITIVE_INFINITY
    this.#tell(this.leases.sweep(this.now))
  }
}
