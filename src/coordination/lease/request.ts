import type { AcquireReply, AcquireRequest } from '../store.js'
import { lockTimeout } from './lease-errors.js'
import type { LeaseSpec } from './lease-spec.js'

/** A lease that is asked for, from its first command until it is granted or given up. */
export class Request {
  readonly spec: LeaseSpec
  /** The command; it is the same at each repetition. */
  readonly command: AcquireRequest
  readonly slot: number
  /** How long it may take, in ms: for the message. */
  timeoutMs = Number.POSITIVE_INFINITY
  /** When to give up, by `LeaseTime.mono()`. */
  giveUpAt = Number.POSITIVE_INFINITY
  /** When to ask again. */
  pollAt = Number.POSITIVE_INFINITY
  /** The command that is under way. */
  attempt: Promise<AcquireReply> | undefined
  /** Why the last attempt failed. */
  trouble: unknown
  #woken = false
  #failed: { readonly reason: Error } | undefined
  #resume: (() => void) | undefined
  #reject: ((reason: unknown) => void) | undefined

  constructor(spec: LeaseSpec, command: AcquireRequest, slot: number) {
    this.spec = spec
    this.command = command
    this.slot = slot
  }

  get id(): string {
    return this.command.id
  }

  get nextAt(): number {
    return Math.min(this.giveUpAt, this.pollAt)
  }

  /** The answer of `attempt`, or the reason of `fail()`, whichever is first. */
  answer(attempt: Promise<AcquireReply>): Promise<AcquireReply> {
    this.attempt = attempt
    this.#woken = false
    return new Promise((resolve, reject) => {
      if (this.#failed) reject(this.#failed.reason)
      this.#reject = reject
      const settle = (): void => { this.attempt = undefined }
      attempt.then((reply) => { settle(); resolve(reply) }, (error: Error) => { settle(); reject(error) })
    })
  }

  /** Waits for `pollAt` or a wake-up; one that came while the last attempt was under way counts: its answer may be older. */
  pause(pollAt: number): Promise<void> {
    if (this.#failed) return Promise.reject(this.#failed.reason)
    if (this.#woken) return Promise.resolve()
    this.pollAt = pollAt
    return new Promise((resolve, reject) => {
      this.#resume = resolve
      this.#reject = reject
    })
  }

  /** Goes on, or fails, when its time has come. */
  look(now: number): void {
    if (this.giveUpAt <= now) this.fail(lockTimeout(this.spec.name, this.timeoutMs, this.trouble))
    else if (this.pollAt <= now) this.wake()
  }

  wake(): void {
    this.#woken = true
    this.pollAt = Number.POSITIVE_INFINITY
    this.#resume?.()
  }

  fail(reason: Error): void {
    this.#failed ??= { reason }
    this.giveUpAt = this.pollAt = Number.POSITIVE_INFINITY
    this.#reject?.(this.#failed.reason)
  }
}
