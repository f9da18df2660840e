import type { AcquireRequest, HolderSnapshot, ResourceSnapshot } from '../store.js'
import { parseRecord } from '../record.js'

/** A lease that was granted. Times are ms since 1970 by the store's clock. */
export interface Holder {
  /** From this moment on it holds no more. */
  expires: number
  readonly fence: number
  readonly weight: number
  readonly delayMs: number
  readonly since: number
  record: string
}

export interface Waiter {
  /** From this moment on it counts as dead, and is dropped as soon as it is the head. */
  expires: number
  readonly weight: number
}

/**
 * One resource: who holds it, who waits, and until when it is closed. What follows
 * from the clock (a lease that ran out) is made fact by `reap` and `dropDeadHeads`;
 * until then readers see it as if it were.
 */
export class Resource {
  capacity = 0
  /** The sum of the holders' weights. */
  used = 0
  /** The last that was given out. */
  fence: number
  /** The end of the lock delay. */
  closed = 0
  last = ''
  /** In the order of their grants. */
  readonly holders = new Map<string, Holder>()
  /** In the order of the queue. */
  waiters = new Map<string, Waiter>()
  /** No holder's lease ends before this: holders are looked through only from then on. */
  #nextExpiry = Number.POSITIVE_INFINITY

  constructor(readonly name: string, fence: number) {
    this.fence = fence
  }

  /** The holder of that id, if its lease has not ended. */
  living(id: string, now: number): Holder | undefined {
    const holder = this.holders.get(id)
    return holder && holder.expires > now ? holder : undefined
  }

  get head(): { readonly id: string; readonly waiter: Waiter } | undefined {
    for (const [id, waiter] of this.waiters) return { id, waiter }
    return undefined
  }

  admits(weight: number, now: number): boolean {
    return this.used + weight <= this.capacity && now >= this.closed
  }

  /** `fence` grows, whatever the clock does. */
  grant(request: AcquireRequest, nowUs: number): Holder {
    const now = Math.floor(nowUs / 1_000)
    this.fence = Math.max(this.fence + 1, nowUs)
    this.capacity = request.capacity
    this.used += request.weight
    this.waiters.delete(request.id)
    const holder = { expires: now + request.ttlMs, fence: this.fence, weight: request.weight, delayMs: request.lockDelayMs, since: now, record: request.record }
    this.holders.set(request.id, holder)
    this.#nextExpiry = Math.min(this.#nextExpiry, holder.expires)
    return holder
  }

  /** At the end, or, when it waits already, where it is. */
  queue(request: AcquireRequest, now: number): void {
    this.capacity = request.capacity
    this.waiters.set(request.id, { expires: now + request.waitMs, weight: request.weight })
  }

  moveToHead(id: string): void {
    const waiter = this.waiters.get(id)
    if (waiter) this.waiters = new Map([[id, waiter], ...this.waiters])
  }

  /** A lock delay never shortens another. */
  closeUntil(end: number): void {
    this.closed = Math.max(this.closed, end)
  }

  removeHolder(id: string): void {
    this.used -= this.holders.get(id)?.weight ?? 0
    this.holders.delete(id)
  }

  /** Takes out the holders whose lease has ended, whose lock delays run since then. Their ids. */
  reap(now: number): readonly string[] {
    if (now < this.#nextExpiry) return []
    const { expired, closed, last } = this.#afterExpiry(now)
    for (const id of expired) this.removeHolder(id)
    this.closed = closed
    this.last = last
    this.#nextExpiry = this.firstExpiry
    return expired
  }

  /** Waiters further back are left: one that asks again before it comes to the head has lost nothing. */
  dropDeadHeads(now: number): readonly string[] {
    const dropped: string[] = []
    for (const [id, { expires }] of this.waiters) {
      if (expires > now) break
      this.waiters.delete(id)
      dropped.push(id)
    }
    return dropped
  }

  /** Infinity: nobody holds it. */
  get firstExpiry(): number {
    let first = Number.POSITIVE_INFINITY
    for (const { expires } of this.holders.values()) first = Math.min(first, expires)
    return first
  }

  /** When something happens here by the clock alone, or, if a lease was renewed, before that; Infinity: never. */
  due(now: number, quarantinedUntil: number): number {
    const { head } = this
    if (!head) return this.#nextExpiry
    const opens = Math.max(this.closed, quarantinedUntil)
    return Math.min(this.#nextExpiry, head.waiter.expires, opens > now ? opens : Number.POSITIVE_INFINITY)
  }

  snapshot(now: number): ResourceSnapshot {
    const { closed, last } = this.#afterExpiry(now)
    return {
      name: this.name,
      capacity: this.capacity,
      fence: BigInt(this.fence),
      holders: [...this.holders].filter(([, { expires }]) => expires > now).map(([id, holder]) => holderSnapshot(id, holder, now)),
      waiters: [...this.waiters].map(([id, { weight, expires }]) => ({ id, weight, leftMs: Math.max(0, expires - now) })),
      closedMs: Math.max(0, closed - now),
      last,
    }
  }

  #afterExpiry(now: number): { readonly expired: readonly string[]; readonly closed: number; readonly last: string } {
    const expired = [...this.holders].filter(([, { expires }]) => expires <= now)
      .sort(([, a], [, b]) => a.expires - b.expires || a.fence - b.fence)
    const delays = expired.filter(([, { delayMs }]) => delayMs > 0).map(([, { expires, delayMs }]) => expires + delayMs)
    const latest = expired.at(-1)
    return {
      expired: expired.map(([id]) => id),
      closed: Math.max(this.closed, ...delays),
      last: latest ? `expired ${latest[0]} fence ${latest[1].fence} at ${latest[1].expires}` : this.last,
    }
  }
}

export function holderSnapshot(id: string, { fence, weight, since, expires, record }: Holder, now: number): HolderSnapshot {
  return { id, fence: BigInt(fence), weight, since, leftMs: expires - now, record: parseRecord(record) }
}
