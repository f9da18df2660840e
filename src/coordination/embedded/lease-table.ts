import { memberOf } from '../names.js'
import type { AcquireReply, AcquireRequest, ExtendReply, ExtendRequest, HolderSnapshot, ReleaseReply, ReleaseRequest, ResourceKind, ResourceSnapshot } from '../store.js'
import { Deadlines } from './deadlines.js'
import { Happened, type Outcome } from './happened.js'
import { holderSnapshot, Resource, type Holder } from './resource.js'

/**
 * The leases of one store: what `acquire`, `extend`, `release` and their kin mean,
 * without a clock, a timer or a connection. The embedded driver runs it, and the
 * scripts of the Redis driver must answer as it does.
 *
 * Every step is given the time, in µs since 1970, and answers at once; whom to wake
 * and what to tell is returned beside the answer. Leases that end and waiters that
 * die are noticed by the next step that comes near, or by `sweep`, which is due at
 * `nextDue()`. After every step, the head of a queue has been woken if the resource
 * is free for it, or else a sweep is due when it may become so.
 *
 * Requests are taken as valid: they are checked at the door.
 */
export class LeaseTable {
  readonly #resources = new Map<string, Resource>()
  readonly #deadlines = new Deadlines()
  /** Resources that nobody holds or waits for, the longest idle first, and since when: ms, not before the end of their lock delay. */
  readonly #idle = new Map<string, number>()
  /** No smaller than any fence of a resource that was forgotten. */
  #forgottenFence = 0
  #quarantinedUntil: number

  /** Nothing is granted before `quarantinedUntil`, ms since 1970. */
  constructor({ quarantinedUntil = 0 }: { readonly quarantinedUntil?: number } = {}) {
    this.#quarantinedUntil = quarantinedUntil
  }

  /** Grants nothing before `until`, ms since 1970. What is held goes on. */
  quarantine(until: number): void {
    this.#quarantinedUntil = until
    for (const resource of this.#resources.values()) this.#setDeadline(resource, 0)
  }

  quarantinedMs(nowUs: number): number {
    return Math.max(0, this.#quarantinedUntil - toMs(nowUs))
  }

  /** See CoordinationStore. A grant that was given to this id before is repeated, in quarantine too. */
  acquire(request: AcquireRequest, nowUs: number): Outcome<AcquireReply> {
    const now = toMs(nowUs)
    const held = this.#resources.get(request.name)?.living(request.id, now)
    if (held) return { reply: granted(held, now, true), happened: new Happened() }
    const leftMs = this.quarantinedMs(nowUs)
    if (leftMs > 0) return { reply: { status: 'quarantined', leftMs }, happened: new Happened() }
    return this.#change(request.name, now, (resource, happened) => {
      const opened = clean(resource, now, happened)
      const reply = this.#decide(resource, request, nowUs)
      if (reply.status === 'granted') tellOfHolder(resource, happened)
      if (opened || reply.status === 'granted') this.#wakeHead(resource, now, happened)
      return reply
    })
  }

  /** See CoordinationStore. Looks at nothing but these leases. */
  extend(requests: readonly ExtendRequest[], nowUs: number): readonly ExtendReply[] {
    const now = toMs(nowUs)
    return requests.map(({ name, id, ttlMs }) => {
      const holder = this.#resources.get(name)?.living(id, now)
      if (!holder) return { leftMs: 0 }
      holder.expires = Math.max(holder.expires, now + ttlMs)
      return { leftMs: holder.expires - now }
    })
  }

  release(request: ReleaseRequest, nowUs: number): Outcome<ReleaseReply> {
    const now = toMs(nowUs)
    if (!this.#resources.has(request.name)) return { reply: 'gone', happened: new Happened() }
    return this.#change(request.name, now, (resource, happened) => {
      const holder = resource.living(request.id, now)
      const successor = holder && request.to !== undefined ? oldestWaiting(resource, request.to, now) : undefined
      if (holder && request.onlyTo && successor === undefined) return 'kept'
      if (successor !== undefined) resource.moveToHead(successor)
      const reply = holder ? giveBack(resource, request, holder, now) : leaveQueue(resource, request.id)
      if (reply !== 'gone') happened.ended.push(request.id)
      if (reply === 'released') tellOfHolder(resource, happened)
      const opened = clean(resource, now, happened)
      if (opened || reply !== 'gone') this.#wakeHead(resource, now, happened)
      return reply
    })
  }

  amend({ name, id, record }: { readonly name: string; readonly id: string; readonly record: string }, nowUs: number): Outcome<boolean> {
    const happened = new Happened()
    const resource = this.#resources.get(name)
    const holder = resource?.living(id, toMs(nowUs))
    if (!resource || !holder) return { reply: false, happened }
    holder.record = record
    tellOfHolder(resource, happened)
    return { reply: true, happened }
  }

  /** Ends every lease. With nobody to end it for, the resource is not closed either. */
  forceRelease({ name, by, lockDelayMs }: { readonly name: string; readonly by: string; readonly lockDelayMs: number }, nowUs: number): Outcome<readonly HolderSnapshot[]> {
    const now = toMs(nowUs)
    if (!this.#resources.has(name)) return { reply: [], happened: new Happened() }
    return this.#change(name, now, (resource, happened) => {
      const opened = clean(resource, now, happened)
      const ended = [...resource.holders].map(([id, holder]) => holderSnapshot(id, holder, now))
      if (ended.length > 0) {
        for (const { id } of ended) resource.removeHolder(id)
        happened.ended.push(...ended.map(({ id }) => id))
        if (lockDelayMs > 0) resource.closeUntil(now + lockDelayMs)
        resource.last = `forced by ${by} at ${now}`
        tellOfHolder(resource, happened)
      }
      if (opened || ended.length > 0) this.#wakeHead(resource, now, happened)
      return ended
    })
  }

  /** Undefined: nothing is remembered of it. */
  read(name: string, nowUs: number): ResourceSnapshot | undefined {
    return this.#resources.get(name)?.snapshot(toMs(nowUs))
  }

  list(kind: ResourceKind, nowUs: number): readonly ResourceSnapshot[] {
    return [...this.#resources.values()]
      .filter(({ name }) => name.startsWith(`${kind}:`))
      .map((resource) => resource.snapshot(toMs(nowUs)))
      .filter(({ holders, waiters, closedMs }) => holders.length > 0 || waiters.length > 0 || closedMs > 0)
      .sort((a, b) => a.name < b.name ? -1 : 1)
  }

  /** When `sweep` has something to do, or, if leases were renewed, before that; ms since 1970. Undefined: never. */
  nextDue(): number | undefined {
    return this.#deadlines.next()
  }

  /** Ends what has ended by the clock, and wakes whom that lets in. */
  sweep(nowUs: number): Happened {
    const now = toMs(nowUs)
    const happened = new Happened()
    for (const name of this.#deadlines.take(now)) {
      const resource = this.#resources.get(name)
      if (!resource) continue
      clean(resource, now, happened)
      this.#wakeHead(resource, now, happened)
      this.#schedule(resource, now)
    }
    return happened
  }

  /** FIFO: who is not the head of the queue gets nothing while there is one, whatever is free. */
  #decide(resource: Resource, request: AcquireRequest, nowUs: number): AcquireReply {
    const now = toMs(nowUs)
    const inUse = resource.used > 0 || resource.waiters.size > 0
    if (inUse && resource.capacity !== request.capacity) return { status: 'mismatch', capacity: resource.capacity }
    const { head } = resource
    const mayGoFirst = !head || head.id === request.id
    if (mayGoFirst && resource.used + request.weight <= request.capacity && now >= resource.closed) {
      return granted(resource.grant(request, nowUs), now, false)
    }
    if (request.waitMs > 0) resource.queue(request, now)
    return {
      status: 'busy',
      position: request.waitMs > 0 ? [...resource.waiters.keys()].indexOf(request.id) : -1,
      queued: resource.waiters.size,
      retryMs: firstEnd(resource, now) - now,
    }
  }

  #wakeHead(resource: Resource, now: number, happened: Happened): void {
    happened.ended.push(...resource.dropDeadHeads(now))
    const { head } = resource
    if (head && now >= this.#quarantinedUntil && resource.admits(head.waiter.weight, now)) happened.wakes.push(head.id)
  }

  #change<Reply>(name: string, now: number, step: (resource: Resource, happened: Happened) => Reply): Outcome<Reply> {
    const happened = new Happened()
    const resource = this.#open(name)
    const reply = step(resource, happened)
    this.#schedule(resource, now)
    return { reply, happened }
  }

  #open(name: string): Resource {
    const known = this.#resources.get(name)
    if (known) return known
    const made = new Resource(name, this.#forgottenFence)
    this.#resources.set(name, made)
    return made
  }

  #schedule(resource: Resource, now: number): void {
    this.#setDeadline(resource, now)
    this.#idle.delete(resource.name)
    if (resource.holders.size > 0 || resource.waiters.size > 0) return
    this.#idle.set(resource.name, Math.max(now, resource.closed))
    this.#forgetOld(now)
  }

  #setDeadline(resource: Resource, now: number): void {
    const due = resource.due(now, this.#quarantinedUntil)
    if (due !== Number.POSITIVE_INFINITY) this.#deadlines.set(resource.name, due)
  }

  /** The fences of new resources begin above those that were forgotten, should the clock have gone back. */
  #forgetOld(now: number): void {
    for (const [name, since] of this.#idle) {
      const old = since + RETENTION_MS <= now || (this.#idle.size > MAX_IDLE && since <= now)
      if (!old) return
      this.#forgottenFence = Math.max(this.#forgottenFence, this.#resources.get(name)?.fence ?? 0)
      this.#idle.delete(name)
      this.#resources.delete(name)
    }
  }
}

/** For so long an idle resource is remembered, for those who ask how its last lease ended. */
const RETENTION_MS = 3_600_000
/** More idle resources than this are forgotten sooner. */
const MAX_IDLE = 10_000

function toMs(us: number): number {
  return Math.floor(us / 1_000)
}

/** Makes fact of what the clock has ended. True when something had ended, so that the head may get in. */
function clean(resource: Resource, now: number, happened: Happened): boolean {
  const expired = resource.reap(now)
  const dropped = resource.dropDeadHeads(now)
  happened.ended.push(...expired, ...dropped)
  if (expired.length > 0) tellOfHolder(resource, happened)
  return expired.length + dropped.length > 0
}

function tellOfHolder({ name }: Resource, { topics }: Happened): void {
  if (name.startsWith('leader:') && !topics.includes(name)) topics.push(name)
}

function granted({ fence, expires }: Holder, now: number, replayed: boolean): AcquireReply {
  return { status: 'granted', fence: BigInt(fence), leftMs: expires - now, replayed }
}

function giveBack(resource: Resource, { id, unclean }: ReleaseRequest, holder: Holder, now: number): 'released' {
  resource.removeHolder(id)
  if (unclean) {
    if (holder.delayMs > 0) resource.closeUntil(now + holder.delayMs)
    resource.last = `died ${id} fence ${holder.fence} at ${now}`
  }
  return 'released'
}

function leaveQueue(resource: Resource, id: string): 'left' | 'gone' {
  return resource.waiters.delete(id) ? 'left' : 'gone'
}

function oldestWaiting(resource: Resource, member: string, now: number): string | undefined {
  for (const [id, { expires }] of resource.waiters) if (memberOf(id) === member && expires > now) return id
  return undefined
}

/** The first end of what is in the way: a lease, the lock delay, or, when it is the queue alone, the time of its head. */
function firstEnd(resource: Resource, now: number): number {
  const delay = resource.closed > now ? resource.closed : Number.POSITIVE_INFINITY
  const first = Math.min(resource.firstExpiry, delay)
  return first === Number.POSITIVE_INFINITY ? resource.head?.waiter.expires ?? now : first
}
