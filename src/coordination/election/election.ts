import type { AcquireOptions, Election, Leader, Leadership, LockOptions } from '../contract.js'
import { acquireLease } from '../lease/acquire.js'
import type { LeaseKeeper } from '../lease/lease-keeper.js'
import { resolveSpec, type LeaseSpec } from '../lease/lease-spec.js'
import type { CoordinationStore } from '../store.js'
import { candidacyText } from './candidacy.js'
import { leaderIn } from './leader.js'
import { LeaseLeadership } from './leadership.js'
import { observeLeader } from './observe.js'

/**
 * An election is a lock whose holder leads; those that wait in its queue are the
 * candidates, and the fence is the number of the term. @throws RangeError, TypeError
 */
export function createElection(keeper: LeaseKeeper, store: CoordinationStore, name: string, options: LockOptions = {}): Election {
  return new LeaseElection(keeper, store, resolveSpec('leader', name, options, keeper))
}

class LeaseElection implements Election {
  readonly #keeper: LeaseKeeper
  readonly #store: CoordinationStore
  readonly #spec: LeaseSpec

  constructor(keeper: LeaseKeeper, store: CoordinationStore, spec: LeaseSpec) {
    this.#keeper = keeper
    this.#store = store
    this.#spec = spec
  }

  get name(): string {
    return this.#spec.name
  }

  async campaign(options: AcquireOptions & { readonly value?: unknown } = {}): Promise<Leadership> {
    const record = candidacyText(this.#keeper.about, options.value)
    const lease = await acquireLease(this.#keeper, { ...this.#spec, record }, options)
    return new LeaseLeadership(this.#keeper, lease)
  }

  async leader(): Promise<Leader | undefined> {
    return leaderIn(await this.#store.readResource(this.#spec.resource))?.leader
  }

  observe(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<Leader | undefined> {
    return observeLeader(this.#keeper, this.#store, this.#spec.resource, options.signal)
  }
}
