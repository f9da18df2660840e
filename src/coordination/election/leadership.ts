import type { Leadership } from '../contract.js'
import { lockLost } from '../lease/lease-errors.js'
import type { LeaseKeeper } from '../lease/lease-keeper.js'
import type { Lease } from '../lease/lease.js'
import { candidacyText } from './candidacy.js'

/** A term of leadership: a lease of `leader:NAME`. */
export class LeaseLeadership implements Leadership {
  readonly #keeper: LeaseKeeper
  readonly #lease: Lease

  constructor(keeper: LeaseKeeper, lease: Lease) {
    this.#keeper = keeper
    this.#lease = lease
  }

  get epoch(): bigint {
    return this.#lease.fence
  }

  get leading(): boolean {
    return this.#lease.held
  }

  get lost(): AbortSignal {
    return this.#lease.lost
  }

  async proclaim(value: unknown): Promise<void> {
    const record = candidacyText(this.#keeper.about, value)
    this.#lease.assertHeld()
    const amended = await this.#keeper.store.amend({ name: this.#lease.spec.resource, id: this.#lease.id, record })
    if (amended) return
    this.#lease.lose('gone')
    throw this.#lease.lossReason ?? lockLost(this.#lease.name, this.epoch, 'released')
  }

  resign(): Promise<boolean> {
    return this.#lease.release()
  }

  yieldTo(memberId: string): Promise<boolean> {
    return this.#lease.transfer(memberId)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resign()
  }
}
