import type { AcquireOptions, HeldLock, Lock, LockOptions, LockView } from '../contract.js'
import { acquireLease, tryAcquireLease } from './acquire.js'
import type { LeaseKeeper } from './lease-keeper.js'
import { checkLockDelay, resolveSpec, type LeaseSpec } from './lease-spec.js'
import { viewOf } from './lock-view.js'
import { useLease } from './use.js'

/** A lock with one holder. @throws RangeError, TypeError */
export function createLock(keeper: LeaseKeeper, name: string, options: LockOptions = {}): Lock {
  return new LeaseLock(keeper, resolveSpec('lock', name, options, keeper))
}

/** A lock that takes `spec.weight` of its resource. */
export class LeaseLock implements Lock {
  readonly #keeper: LeaseKeeper
  readonly #spec: LeaseSpec

  constructor(keeper: LeaseKeeper, spec: LeaseSpec) {
    this.#keeper = keeper
    this.#spec = spec
  }

  get name(): string {
    return this.#spec.name
  }

  acquire(options?: AcquireOptions): Promise<HeldLock> {
    return acquireLease(this.#keeper, this.#spec, options)
  }

  tryAcquire(): Promise<HeldLock | undefined> {
    return tryAcquireLease(this.#keeper, this.#spec)
  }

  use<T>(work: (held: HeldLock) => T | Promise<T>, options?: AcquireOptions): Promise<T> {
    return useLease(this.#keeper, this.#spec, work, options)
  }

  async break(options: { readonly lockDelayMs?: number } = {}): Promise<number> {
    const { lockDelayMs = 0 } = options
    checkLockDelay(lockDelayMs)
    const ended = await this.#keeper.store.forceRelease({ name: this.#spec.resource, by: this.#keeper.memberId, lockDelayMs: Math.ceil(lockDelayMs) })
    return ended.length
  }

  async inspect(): Promise<LockView | undefined> {
    const snapshot = await this.#keeper.store.readResource(this.#spec.resource)
    if (!snapshot) return undefined
    const idle = snapshot.holders.length === 0 && snapshot.waiters.length === 0 && snapshot.closedMs <= 0
    return idle ? undefined : viewOf(snapshot)
  }
}
