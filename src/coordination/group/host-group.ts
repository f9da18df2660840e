import { hasCode } from '../../base/errors.js'
import type { BeatReply, BeatRequest, CoordinationStore } from '../store.js'
import { encodeHostRecord } from './host-record.js'

export interface HostIdentity {
  /** The one member of each group that stands for all of this host. */
  readonly hostMember: string
  readonly host: string
  readonly pid: number
}

/** Somebody who waits until the store has what he asked for. */
interface Waiter {
  readonly resolve: (wasIn: boolean) => void
  readonly reject: (error: unknown) => void
  /** Of a `put` only: what it put is taken back when the store refuses. */
  readonly undo?: () => void
}

/** What was sent, to be settled with the answer. */
export interface HostBeat {
  readonly request: BeatRequest
  readonly record: string
  readonly sentAt: number
  readonly waiters: readonly Waiter[]
}

/**
 * One group as one host is in it: what it should be there, and what the store is
 * known to have. Whenever these differ there is something to send. Sends nothing itself
 * but its farewell; one command for it is under way at a time.
 */
export class HostGroup {
  readonly name: string
  readonly #identity: HostIdentity
  readonly #suspended: ReadonlySet<string>
  /** The text of each member's capabilities. */
  readonly #members = new Map<string, string>()
  #ttlMs = 0
  #wanted: string | undefined
  /** What the store has; undefined: it may be anything. */
  #stored: string | undefined
  /** Or may be. */
  #inStore = false
  #answeredAt: number | undefined
  #rejoining = false
  readonly #waiting: Waiter[] = []

  constructor(name: string, identity: HostIdentity, suspended: ReadonlySet<string>) {
    this.name = name
    this.#identity = identity
    this.#suspended = suspended
  }

  /** Of the last `put`. */
  get ttlMs(): number {
    return this.#ttlMs
  }

  /** Some member of this host is to be seen in the group. */
  get wanted(): boolean {
    return this.#wanted !== undefined
  }

  /** There is something to send, or somebody who waits. */
  get pending(): boolean {
    return this.#waiting.length > 0 || (this.#wanted === undefined ? this.#inStore : this.#wanted !== this.#stored)
  }

  /** Nothing is left of it, here or in the store. */
  get over(): boolean {
    return this.#members.size === 0 && !this.#inStore && this.#waiting.length === 0
  }

  has(member: string): boolean {
    return this.#members.has(member)
  }

  /** Resolves when the store has it: at once when nothing is new. */
  put(member: string, capabilities: string, ttlMs: number): Promise<unknown> {
    const before = this.#members.get(member)
    const sameTtl = this.#ttlMs === ttlMs
    this.#ttlMs = ttlMs
    if (before === capabilities && sameTtl && !this.pending) return Promise.resolve()
    this.#members.set(member, capabilities)
    this.review()
    return this.#answer(() => {
      if (before === undefined) this.#members.delete(member)
      else this.#members.set(member, before)
      this.review()
    })
  }

  /** Resolves when the store has it; undefined: the member was not here. */
  remove(member: string): Promise<boolean> | undefined {
    if (!this.#members.delete(member)) return undefined
    this.review()
    return this.#answer()
  }

  /** Works out anew what the store should have: members or those who are suspended have changed. */
  review(): void {
    const visible = [...this.#members].filter(([member]) => !this.#suspended.has(member))
    const { host, pid } = this.#identity
    this.#wanted = visible.length > 0 ? encodeHostRecord({ host, pid, members: new Map(visible) }) : undefined
  }

  /** What to send now; undefined: nothing, as nobody is to be seen. */
  beat(now: number): HostBeat | undefined {
    const record = this.#wanted
    if (record === undefined) return undefined
    const request = {
      group: this.name, member: this.#identity.hostMember, ttlMs: this.#ttlMs, keep: false,
      record: record === this.#stored ? undefined : record,
    }
    return { request, record, sentAt: now, waiters: this.#takeWaiting() }
  }

  /** True: its members had been taken for dead, and are back with their record. */
  beaten({ request, record, sentAt, waiters }: HostBeat, { joined }: BeatReply): boolean {
    // Even if the store has not dropped it, others have seen its time end.
    const late = this.#answeredAt !== undefined && sentAt - this.#answeredAt >= request.ttlMs
    if (this.#answeredAt !== undefined && (joined || late)) this.#rejoining = true
    if (request.record !== undefined) this.#stored = record
    else if (joined) this.#stored = undefined
    this.#inStore = true
    this.#answeredAt = sentAt
    for (const waiter of waiters) waiter.resolve(true)
    const rejoined = this.#rejoining && this.#stored !== undefined
    if (rejoined) this.#rejoining = false
    return rejoined
  }

  /** It may have taken effect, so that the store may have any record. Who put something goes on waiting, unless it was refused. */
  beatFailed({ waiters }: HostBeat, error: unknown): void {
    this.#stored = undefined
    this.#inStore = true
    const away = hasCode(error, 'COORDINATION_UNAVAILABLE')
    const patient = away ? waiters.filter(({ undo }) => undo !== undefined) : []
    this.#waiting.unshift(...patient)
    for (const waiter of waiters.filter((each) => !patient.includes(each)).reverse()) {
      waiter.undo?.()
      waiter.reject(error)
    }
  }

  /** Takes this host out, and is done with it even if that fails: the store drops it when its ttl is over. */
  async leave(store: CoordinationStore): Promise<void> {
    const waiters = this.#takeWaiting()
    const asks = this.#inStore
    this.#inStore = false
    this.#stored = undefined
    this.#answeredAt = undefined
    try {
      const wasIn = asks && await store.leave({ group: this.name, member: this.#identity.hostMember })
      for (const waiter of waiters) waiter.resolve(wasIn)
    } catch (error) {
      for (const waiter of waiters) waiter.reject(error)
      throw error
    }
  }

  /** Leaves for good; who still waits is told why. */
  async abandon(store: CoordinationStore, reason: unknown): Promise<void> {
    for (const waiter of this.#takeWaiting()) waiter.reject(reason)
    await this.leave(store)
  }

  #answer(undo?: () => void): Promise<boolean> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject, ...undo && { undo } }))
  }

  #takeWaiting(): readonly Waiter[] {
    return this.#waiting.splice(0)
  }
}
