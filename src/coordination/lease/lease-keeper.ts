import { AsyncLocalStorage } from 'node:async_hooks'
import { setMaxListeners } from 'node:events'
import { systemRandom, type Random } from '../../base/random.js'
import type { CoordinationLog, HeldLockEvent } from '../contract.js'
import type { AcquireReply, CoordinationStore } from '../store.js'
import { Alarm } from './alarm.js'
import { recordText } from './holder-record.js'
import { Lease, type LeaseOwner } from './lease.js'
import { coordinatorStopped } from './lease-errors.js'
import type { LeaseDefaults, LeaseSpec } from './lease-spec.js'
import { systemLeaseTime, type LeaseTime } from './lease-time.js'
import { OwedReleases } from './owed-releases.js'
import { Request } from './request.js'
import { momentOf, stopMarginMs, termOf, togetherMs, untilDeadlineMs, type Moment } from './timing.js'

export interface LeaseKeeperOptions {
  readonly memberId: string
  /** Tells this process from the member's earlier ones; it has no `#`. */
  readonly incarnation: string
  readonly ttlMs: number
  readonly maxTtlMs: number
  /** What operators see of each holder: host, pid, worker. */
  readonly record: Readonly<Record<string, unknown>>
  /** Default: the system's. */
  readonly time?: LeaseTime
  readonly random?: Random
  /** Default: none. */
  readonly register?: LeaseRegister
  readonly log?: CoordinationLog
}

/** Where others can read which leases this process may have, after it died. */
export interface LeaseRegister {
  /** Called before the acquire is sent; the answer is for `clear`. */
  note(resource: string, id: string): number
  /** Called when the store has nothing of the id any more. */
  clear(slot: number): void
}

/** A lease as reports show it. */
export interface LeaseReport {
  /** `lock:volume-42` */
  readonly resource: string
  readonly id: string
  readonly fence: bigint
  readonly state: 'held' | 'suspect' | 'lost' | 'released'
  readonly remainingMs: number
}

/** The leases that an async call holds by `use()`, innermost first. */
export interface UseScope {
  readonly lease: Lease
  readonly outer: UseScope | undefined
}

/** While anything is held the clocks are read this often: after a suspend the monotonic timer still has its whole wait before it. */
const MAX_LOOK_MS = 1_000
const NO_SLOT = -1

/**
 * Keeps the leases of one process: renews them, several in one command, looks at
 * their deadlines, and repeats the requests that wait. One timer does all of it, and
 * taking or giving back a lease does not touch it as a rule: it rings when something
 * could be due, and finds out what. It is this process that renews, on its own loop:
 * a loop that is blocked renews nothing, and that is right.
 */
export class LeaseKeeper implements LeaseOwner, LeaseDefaults {
  readonly store: CoordinationStore
  readonly memberId: string
  readonly ttlMs: number
  readonly maxTtlMs: number
  readonly about: Readonly<Record<string, unknown>>
  readonly record: string
  readonly time: LeaseTime
  readonly random: Random
  readonly scopes = new AsyncLocalStorage<UseScope>()
  readonly #log: CoordinationLog | undefined
  readonly #register: LeaseRegister | undefined
  readonly #idPrefix: string
  #counter = 0
  readonly #requests = new Map<string, Request>()
  readonly #leases = new Set<Lease>()
  readonly #owed: OwedReleases
  readonly #alarm: Alarm
  readonly #stop = new AbortController()
  #heir: string | undefined
  #stopping: Promise<void> | undefined
  readonly #endGaps: () => void

  /** @throws RangeError, TypeError */
  constructor(store: CoordinationStore, options: LeaseKeeperOptions) {
    this.store = store
    this.memberId = options.memberId
    this.ttlMs = options.ttlMs
    this.maxTtlMs = options.maxTtlMs
    this.about = options.record
    this.record = recordText(options.record)
    this.time = options.time ?? systemLeaseTime
    this.random = options.random ?? systemRandom
    this.#log = options.log
    this.#register = options.register
    this.#idPrefix = `${options.memberId}#${options.incarnation}.`
    // As many as observe an election: no leak.
    setMaxListeners(0, this.#stop.signal)
    this.#alarm = new Alarm(this.time, () => { this.#look() })
    this.#owed = new OwedReleases({
      store, time: this.time, random: this.random,
      settled: (slot) => { this.#clear(slot) },
      retryBy: (at) => { if (!this.#stop.signal.aborted) this.#alarm.ringBy(at) },
    })
    store.onWake((id) => this.#requests.get(id)?.wake())
    this.#endGaps = store.onGap(() => {
      for (const request of this.#requests.values()) request.wake()
      // What is left of what was held is found out now, not at the next renewal.
      void this.#renew([...this.#leases].filter((lease) => lease.due(Number.POSITIVE_INFINITY)))
    })
  }

  /** Those that the store may have, suspect and lost ones too. */
  get held(): readonly LeaseReport[] {
    return Array.from(this.#leases, (lease) => ({
      resource: lease.spec.resource, id: lease.id, fence: lease.fence, remainingMs: lease.remainingMs, state: lease.stateName,
    }))
  }

  /** Aborts when `stop()` is called. */
  get stopped(): AbortSignal {
    return this.#stop.signal
  }

  /** Resolves when every request that is open now has had an answer, good or bad: those that wait are in the store's queue. */
  async asked(): Promise<void> {
    await Promise.allSettled(Array.from(this.#requests.values(), async ({ attempt }) => attempt))
  }

  /** From now on whatever is released goes first to that member, where it waits for it: this process is about to end, and that one follows it. */
  succeededBy(member: string): void {
    this.#heir = member
  }

  /**
   * Takes no more requests, rejects those that wait, and releases what is held, all
   * at once: within one command's deadline. Leases that are still in use count as lost.
   */
  stop(): Promise<void> {
    return this.#stopping ??= this.#giveAllBack()
  }

  // What follows is for acquire() and for Lease.

  /** A new request, with an id of its own. @throws CodedError COORDINATOR_STOPPED */
  open(spec: LeaseSpec, waitMs: number): Request {
    if (this.#stop.signal.aborted) throw coordinatorStopped(spec.name)
    const id = this.#idPrefix + String(++this.#counter)
    const { resource: name, weight, capacity, ttlMs, lockDelayMs, record } = spec
    const slot = this.#register === undefined ? NO_SLOT : this.#register.note(name, id)
    const request = new Request(spec, { name, id, weight, capacity, ttlMs, lockDelayMs, waitMs, record }, slot)
    this.#requests.set(id, request)
    return request
  }

  /** The request fails with LOCK_TIMEOUT when it is still open at `giveUpAt`. */
  limit(request: Request, giveUpAt: number, timeoutMs: number): void {
    request.giveUpAt = giveUpAt
    request.timeoutMs = timeoutMs
    this.#alarm.ringBy(giveUpAt)
  }

  ask(request: Request): Promise<AcquireReply> {
    return request.answer(this.store.acquire(request.command))
  }

  /** Resolves when the request should be repeated: after `ms`, or when it is woken. */
  pause(request: Request, ms: number): Promise<void> {
    const resumed = request.pause(this.time.mono() + ms)
    this.#alarm.ringBy(request.nextAt)
    return this.#alarm.whileWaiting(resumed)
  }

  /**
   * The lease that a request was granted; undefined when the answer came so late that
   * it is as good as over: it is given up.
   *
   * @throws CodedError COORDINATOR_STOPPED when it was given up meanwhile
   */
  take(request: Request, sent: Moment, grant: { readonly fence: bigint; readonly leftMs: number }): Lease | undefined {
    const { spec, id, slot } = request
    if (!this.#requests.has(id)) throw coordinatorStopped(spec.name)
    const term = termOf(sent, grant.leftMs)
    if (untilDeadlineMs(term, momentOf(this.time)) <= stopMarginMs(spec.ttlMs)) {
      this.abandon(request)
      return undefined
    }
    const lease = new Lease(this, spec, { id, slot, fence: grant.fence, term })
    this.#requests.delete(id)
    this.#leases.add(lease)
    this.watch(lease)
    return lease
  }

  /** The store has nothing of it. */
  close(request: Request): void {
    if (this.#requests.delete(request.id)) this.#clear(request.slot)
  }

  /** Gives up a request that the store may have granted, or may yet. */
  abandon(request: Request): void {
    if (!this.#requests.delete(request.id)) return
    const { spec, slot, attempt } = request
    const release = { name: spec.resource, id: request.id }
    void this.#owed.send(release, spec.ttlMs, attempt ? NO_SLOT : slot)
    if (!attempt) return
    // Where commands can overtake one another, that release was executed before the attempt.
    const again = (): void => { void this.#owed.send(release, spec.ttlMs, slot) }
    attempt.then(again, again)
  }

  giveBack(lease: Lease): Promise<boolean> {
    // Held until the keeper stopped, and given back by one who heard of that.
    const ours = lease.held || lease.lossCause === 'stopped'
    return this.#giveBack(lease, ours, this.#heir)
  }

  forget(lease: Lease): void {
    if (this.#leases.delete(lease)) this.#clear(lease.slot)
  }

  watch(lease: Lease): void {
    if (this.#leases.has(lease)) this.#alarm.ringBy(Math.min(lease.nextAt(), this.time.mono() + MAX_LOOK_MS))
  }

  changed(lease: Lease, event: HeldLockEvent): void {
    if (this.#stop.signal.aborted) return
    const fields = { resource: lease.spec.resource, fence: String(lease.fence), ...lease.lossReason && { reason: lease.lossCause } }
    if (event === 'recovered') this.#log?.info('lease.recovered', fields)
    else this.#log?.warn(`lease.${event}`, fields)
  }

  async #giveBack(lease: Lease, ours: boolean, to: string | undefined): Promise<boolean> {
    if (!this.#leases.delete(lease)) return false
    lease.givenBack()
    const { resource: name, ttlMs } = lease.spec
    const request = ours && to === undefined ? { name, id: lease.id } : { name, id: lease.id, unclean: !ours, to }
    const reply = await this.#owed.send(request, ttlMs, lease.slot)
    return ours && (reply === undefined || reply === 'released')
  }

  async #giveAllBack(): Promise<void> {
    this.#stop.abort()
    this.#endGaps()
    for (const request of this.#requests.values()) {
      request.fail(coordinatorStopped(request.spec.name))
      this.abandon(request)
    }
    for (const lease of this.#leases) {
      const ours = lease.held
      lease.lose('stopped')
      void this.#giveBack(lease, ours, this.#heir)
    }
    await this.#owed.settle()
    this.#alarm.cancel()
  }

  /** Losses first: a loop that was late itself must not renew what may be another's by now. */
  #look(): void {
    const now = momentOf(this.time)
    for (const lease of this.#leases) {
      lease.look(now)
      if (lease.lossReason && lease.ended(now)) this.#end(lease)
    }
    this.#renewDue(now)
    for (const request of this.#requests.values()) request.look(now.mono)
    this.#owed.retry(now.mono)
    this.#setAlarm(now.mono)
  }

  #setAlarm(now: number): void {
    let next = this.#leases.size > 0 ? now + MAX_LOOK_MS : Number.POSITIVE_INFINITY
    for (const lease of this.#leases) next = Math.min(next, lease.nextAt())
    for (const request of this.#requests.values()) next = Math.min(next, request.nextAt)
    this.#alarm.ringBy(Math.min(next, this.#owed.nextAt))
  }

  /** A renewal whose answer was lost may have lengthened the lease at the store: it is given back there. */
  #end(lease: Lease): void {
    // Whoever heard of the loss has given it back already.
    if (!this.#leases.delete(lease)) return
    if (lease.working) {
      lease.overran()
      if (lease.spec.overrun === 'kill') process.kill(process.pid, 'SIGKILL')
    }
    void this.#owed.send({ name: lease.spec.resource, id: lease.id, unclean: true }, lease.spec.ttlMs, lease.slot)
  }

  #renewDue(now: Moment): void {
    const leases = [...this.#leases]
    if (!leases.some((lease) => lease.due(now.mono))) return
    void this.#renew(leases.filter((lease) => lease.due(now.mono + togetherMs(lease.spec.ttlMs))))
  }

  /** Of several servers one may be away: what is on the others must not be lost with it. */
  async #renew(leases: readonly Lease[]): Promise<void> {
    if (leases.length === 0) return
    if (this.store.features.oneServer) await this.#renewTogether(leases)
    else await Promise.all(leases.map((lease) => this.#renewTogether([lease])))
  }

  async #renewTogether(leases: readonly Lease[]): Promise<void> {
    for (const lease of leases) lease.renewing()
    const sent = momentOf(this.time)
    try {
      const replies = await this.store.extend(leases.map(({ spec, id }) => ({ name: spec.resource, id, ttlMs: spec.ttlMs })))
      leases.forEach((lease, index) => { this.#renewed(lease, sent, replies[index]?.leftMs ?? 0) })
    } catch (error) {
      for (const lease of leases) lease.renewalFailed(sent, error)
    }
  }

  #renewed(lease: Lease, sent: Moment, leftMs: number): void {
    lease.answered(sent, leftMs)
    // A success after the end, when the release may have been executed already.
    if (leftMs > 0 && lease.lossReason && !this.#leases.has(lease)) void this.#owed.send({ name: lease.spec.resource, id: lease.id, unclean: true }, lease.spec.ttlMs, NO_SLOT)
  }

  #clear(slot: number): void {
    if (slot !== NO_SLOT) this.#register?.clear(slot)
  }
}
