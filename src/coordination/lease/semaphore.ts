import type { AcquireOptions, HeldLock, LockOptions, LockView, Semaphore } from '../contract.js'
import { acquireLease, tryAcquireLease } from './acquire.js'
import type { LeaseKeeper } from './lease-keeper.js'
import { checkCount, MAX_CAPACITY, resolveSpec, type LeaseSpec } from './lease-spec.js'
import { LeaseLock } from './lock.js'

export interface SemaphoreOptions extends LockOptions {
  /** 1…1 000 000; the same for all users. */
  readonly limit: number
}

/** `limit` permits. @throws RangeError, TypeError */
export function createSemaphore(keeper: LeaseKeeper, name: string, options: SemaphoreOptions): Semaphore {
  checkCount('limit', options.limit, MAX_CAPACITY)
  return new LeaseSemaphore(keeper, { ...resolveSpec('lock', name, options, keeper), capacity: options.limit })
}

class LeaseSemaphore implements Semaphore {
  readonly #keeper: LeaseKeeper
  readonly #spec: LeaseSpec
  /** One permit. */
  readonly #one: LeaseLock

  constructor(keeper: LeaseKeeper, spec: LeaseSpec) {
    this.#keeper = keeper
    this.#spec = spec
    this.#one = new LeaseLock(keeper, spec)
  }

  get name(): string {
    return this.#spec.name
  }

  get limit(): number {
    return this.#spec.capacity
  }

  async acquire(options: AcquireOptions & { readonly weight?: number } = {}): Promise<HeldLock> {
    return acquireLease(this.#keeper, this.#weighing(options.weight), options)
  }

  async tryAcquire(options: { readonly weight?: number } = {}): Promise<HeldLock | undefined> {
    return tryAcquireLease(this.#keeper, this.#weighing(options.weight))
  }

  use<T>(work: (held: HeldLock) => T | Promise<T>, options?: AcquireOptions): Promise<T> {
    return this.#one.use(work, options)
  }

  break(options?: { readonly lockDelayMs?: number }): Promise<number> {
    return this.#one.break(options)
  }

  inspect(): Promise<LockView | undefined> {
    return this.#one.inspect()
  }

  #weighing(weight = 1): LeaseSpec {
    checkCount('weight', weight, this.limit)
    return weight === 1 ? this.#spec : { ...this.#spec, weight }
  }
}
