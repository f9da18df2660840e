import type { CodedError } from '../../base/errors.js'
import type { HeldLock, HeldLockEvent } from '../contract.js'
import { checkName } from '../names.js'
import type { CoordinationStore } from '../store.js'
import { lockLost, type LossReason } from './lease-errors.js'
import { checkTtl, type LeaseSpec } from './lease-spec.js'
import { GIVEN_BACK, HELD, RENEWED, eventBetween, step, type LeaseState, type LeaseStep } from './lease-state.js'
import type { LeaseTime } from './lease-time.js'
import { elapsedMs, momentOf, renewAt, retryEveryMs, stopMarginMs, termOf, untilDeadlineMs, type Moment, type Term } from './timing.js'

/** What a lease needs of its keeper. */
export interface LeaseOwner {
  readonly store: CoordinationStore
  readonly time: LeaseTime
  readonly maxTtlMs: number
  random(): number
  /** Sends the release; false: it was no longer ours. Never rejects. */
  giveBack(lease: Lease): Promise<boolean>
  /** It is another's now: there is nothing to release. */
  forget(lease: Lease): void
  /** When it is to be looked at next has changed. */
  watch(lease: Lease): void
  changed(lease: Lease, event: HeldLockEvent): void
}

/** What an acquire was answered. */
export interface Grant {
  readonly id: string
  readonly fence: bigint
  /** What the register gave for the id. */
  readonly slot: number
  readonly term: Term
}

/**
 * A lease that was granted. The keeper renews it and looks at its deadline; what is
 * asked here is computed from the clocks at that moment, so that it is exact even
 * when the event loop stood still. Signal and listeners are made when they are asked
 * for: most locks are taken and given back without either.
 */
export class Lease implements HeldLock {
  readonly id: string
  readonly slot: number
  readonly fence: bigint
  readonly spec: LeaseSpec
  readonly #owner: LeaseOwner
  #state: LeaseState = HELD
  #term: Term
  /** When to renew it, by `LeaseTime.mono()`. */
  #renewAt: number
  #asking = false
  #working = 0
  #abort: AbortController | undefined
  #listeners: Map<HeldLockEvent, (() => void)[]> | undefined
  #released: Promise<boolean> | undefined

  constructor(owner: LeaseOwner, spec: LeaseSpec, grant: Grant) {
    this.#owner = owner
    this.spec = spec
    this.id = grant.id
    this.slot = grant.slot
    this.fence = grant.fence
    this.#term = grant.term
    this.#renewAt = renewAt(grant.term, spec.ttlMs, owner.random())
  }

  get name(): string {
    return this.spec.name
  }

  get held(): boolean {
    this.look(momentOf(this.#owner.time))
    return this.#running
  }

  get remainingMs(): number {
    const now = momentOf(this.#owner.time)
    this.look(now)
    return this.#running ? this.#untilAbortMs(now) : 0
  }

  get lost(): AbortSignal {
    this.#abort ??= new AbortController()
    this.look(momentOf(this.#owner.time))
    if (this.#state.name === 'lost') this.#abort.abort(this.#state.reason)
    return this.#abort.signal
  }

  assertHeld(): void {
    if (this.held) return
    throw this.lossReason ?? lockLost(this.name, this.fence, 'released')
  }

  async extend(ttlMs: number = this.spec.ttlMs): Promise<void> {
    checkTtl(ttlMs, this.#owner.maxTtlMs)
    this.assertHeld()
    await this.#ask(Math.ceil(ttlMs))
    this.assertHeld()
  }

  async isStillOwner(): Promise<boolean> {
    if (!this.held) return false
    await this.#ask(0)
    return this.held
  }

  release(): Promise<boolean> {
    return this.#released ??= this.#owner.giveBack(this)
  }

  /** A transfer whose answer was lost may have happened: the lease then counts as lost. */
  async transfer(memberId: string): Promise<boolean> {
    checkName('member', memberId)
    this.assertHeld()
    this.#asking = true
    try {
      const reply = await this.#owner.store.release({ name: this.spec.resource, id: this.id, to: memberId, onlyTo: true })
      if (reply !== 'kept') this.#owner.forget(this)
      if (reply === 'released') this.#handedOver()
      if (reply === 'gone') this.lose('gone')
      return reply === 'released'
    } catch (error) {
      this.lose('unsure', error)
      throw error
    } finally {
      this.#asking = false
    }
  }

  on(event: HeldLockEvent, listener: () => void): this {
    this.#listeners ??= new Map()
    const listeners = this.#listeners.get(event)
    if (listeners) listeners.push(listener)
    else this.#listeners.set(event, [listener])
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release()
  }

  // What follows is for the keeper and for use().

  get stateName(): LeaseState['name'] {
    return this.#state.name
  }

  get lossReason(): CodedError | undefined {
    return this.#state.name === 'lost' ? this.#state.reason : undefined
  }

  get lossCause(): LossReason {
    return this.#state.name === 'lost' ? this.#state.why : 'released'
  }

  /** Work under `use()` has not settled. */
  get working(): boolean {
    return this.#working > 0
  }

  async during<T>(work: () => T | Promise<T>): Promise<T> {
    this.#working++
    try {
      return await work()
    } finally {
      this.#working--
    }
  }

  /** Counts it as lost when the clocks say so. */
  look(now: Moment): void {
    if (this.#running && this.#untilAbortMs(now) <= 0) this.lose('expired')
  }

  lose(reason: LossReason, cause?: unknown): void {
    if (!this.#running) return
    const now = momentOf(this.#owner.time)
    // What the store does not have ends now; the work gets the margin in which to stop, as in every loss.
    const leftMs = Math.min(untilDeadlineMs(this.#term, now), stopMarginMs(this.spec.ttlMs))
    this.#term = { mono: now.mono, wall: now.wall, lengthMs: leftMs }
    this.#step({ name: 'over', why: reason, reason: lockLost(this.name, this.fence, reason, cause ?? this.#suspicion) })
    this.#owner.watch(this)
  }

  /** The deadline has come, and the work has not settled. */
  overran(): void {
    this.#emit('overrun')
  }

  givenBack(): void {
    this.#state = step(this.#state, GIVEN_BACK)
  }

  /** The deadline itself has passed: nothing may run under it any more. */
  ended(now: Moment): boolean {
    return untilDeadlineMs(this.#term, now) <= 0
  }

  /** Whether it should be renewed by `mono`. */
  due(mono: number): boolean {
    return this.#running && !this.#asking && this.#renewAt <= mono
  }

  /** The next moment at which the keeper has to look at it, by `LeaseTime.mono()`. */
  nextAt(): number {
    const deadline = this.#term.mono + this.#term.lengthMs
    if (!this.#running) return deadline
    const abortAt = deadline - stopMarginMs(this.spec.ttlMs)
    return this.#asking ? abortAt : Math.min(abortAt, this.#renewAt)
  }

  renewing(): void {
    this.#asking = true
  }

  /** What the store said to a renewal or a question that was written at `sent`. A late success does not revive it. */
  answered(sent: Moment, leftMs: number): void {
    const now = momentOf(this.#owner.time)
    this.#asking = false
    this.look(now)
    if (!this.#running) return
    if (leftMs <= 0) {
      this.lose('gone')
      return
    }
    const term = termOf(sent, leftMs)
    const longer = untilDeadlineMs(term, now) > untilDeadlineMs(this.#term, now)
    if (longer) this.#term = term
    this.#renewAt = longer ? renewAt(term, this.spec.ttlMs, this.#owner.random()) : now.mono + retryEveryMs(this.spec.ttlMs)
    this.#step(RENEWED)
    this.#owner.watch(this)
  }

  renewalFailed(sent: Moment, cause: unknown): void {
    const now = momentOf(this.#owner.time)
    this.#asking = false
    this.#renewAt = now.mono + Math.max(0, retryEveryMs(this.spec.ttlMs) - elapsedMs(sent, now))
    this.look(now)
    this.#step({ name: 'renewal failed', cause })
    this.#owner.watch(this)
  }

  get #running(): boolean {
    return this.#state.name === 'held' || this.#state.name === 'suspect'
  }

  get #suspicion(): unknown {
    return this.#state.name === 'suspect' ? this.#state.cause : undefined
  }

  #untilAbortMs(now: Moment): number {
    return untilDeadlineMs(this.#term, now) - stopMarginMs(this.spec.ttlMs)
  }

  async #ask(ttlMs: number): Promise<void> {
    const sent = momentOf(this.#owner.time)
    const [reply] = await this.#owner.store.extend([{ name: this.spec.resource, id: this.id, ttlMs }])
    this.answered(sent, reply?.leftMs ?? 0)
  }

  #handedOver(): void {
    this.givenBack()
    this.#released ??= Promise.resolve(true)
  }

  #step(event: LeaseStep): void {
    const before = this.#state
    this.#state = step(before, event)
    const change = eventBetween(before, this.#state)
    if (!change) return
    if (this.#state.name === 'lost') this.#abort?.abort(this.#state.reason)
    this.#emit(change)
  }

  /** A microtask each: a listener that throws must not keep the others, or the keeper, from going on. */
  #emit(event: HeldLockEvent): void {
    for (const listener of this.#listeners?.get(event) ?? []) queueMicrotask(listener)
    this.#owner.changed(this, event)
  }
}
