import type { Clock } from '../../base/clock.js'
import { CodedError } from '../../base/errors.js'
import type { Random } from '../../base/random.js'
import type { HashRing, Lock, LockOptions, RingChange, ShardOwner } from '../contract.js'
import type { GroupState } from '../group/group-state.js'
import type { GroupView } from '../group/group-view.js'
import { Latest } from '../group/latest.js'
import type { Membership } from '../group/membership.js'
import { Ring, weightOf } from './ring.js'
import { LockedShards } from './shards.js'

/** Members that come and go in quick succession make one ring. */
const DEBOUNCE_MS = 250

export interface HashRingDependencies {
  readonly view: GroupView
  readonly membership: Membership
  readonly memberId: string
  readonly clock: Clock
  readonly random: Random
  /** The lock that holds a shard. */
  readonly lockOf: (name: string, options: LockOptions) => Lock
}

/** One object for each group: each follows it on its own. */
export function createHashRing(dependencies: HashRingDependencies): GroupHashRing {
  return new GroupHashRing(dependencies)
}

/**
 * The ring over a group's members. It begins to follow the group with its first use,
 * and answers from memory from then on; the owner of the coordinator stops it.
 * A store that is away leaves the last ring standing.
 */
export class GroupHashRing implements HashRing {
  readonly group: string
  readonly #with: HashRingDependencies
  readonly #changes = new Latest<RingChange>()
  readonly #shards = new Set<LockedShards>()
  readonly #stopping = new AbortController()
  #followed: Promise<void> | undefined
  /** The members and weights of the ring, as text. */
  #members = ''

  constructor(dependencies: HashRingDependencies) {
    this.group = dependencies.view.name
    this.#with = dependencies
    dependencies.membership.onRejoined((group) => {
      if (group === this.group) for (const shards of this.#shards) shards.recheck()
    })
  }

  /** @throws as `Ring.owners`; at the first use CodedError COORDINATION_UNAVAILABLE, too */
  async owners(key: string, { replicas = 1 }: { readonly replicas?: number } = {}): Promise<readonly string[]> {
    return (await this.#current()).owners(key, replicas)
  }

  /** @throws as `owners` */
  async isMine(key: string): Promise<boolean> {
    return (await this.#current()).isMine(key)
  }

  async *watch({ signal }: { readonly signal?: AbortSignal } = {}): AsyncGenerator<RingChange, void, undefined> {
    this.#follow()
    yield* this.#changes.values(signal)
  }

  /**
   * Follows the ring with `count` shards until it is stopped. All members must give the
   * same `count`: with another one, shards and their locks are others.
   *
   * @throws RangeError for a count outside 1…65 536; otherwise as `owners`
   */
  async shards(count: number, options: LockOptions = {}): Promise<ShardOwner> {
    const shards = new LockedShards(this.group, count, {
      memberId: this.#with.memberId,
      clock: this.#with.clock,
      random: this.#with.random,
      lockOf: (name) => this.#with.lockOf(name, options),
    })
    await this.#current()
    this.#shards.add(shards)
    void shards.start((signal) => this.watch({ signal })).finally(() => this.#shards.delete(shards))
    return shards
  }

  /** Releases every shard, ends every watch. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all([...this.#shards].map((shards) => shards.stop()))
    this.#changes.close()
    await this.#followed
  }

  async #current(): Promise<RingChange> {
    if (this.#changes.value) return this.#changes.value
    this.#follow()
    const first = await this.#changes.first()
    if (!first) throw new CodedError('COORDINATOR_STOPPED', `Cannot look at the ring of "${this.group}" as the coordinator is stopped`)
    return first
  }

  #follow(): void {
    if (this.#followed) return
    this.#followed = this.#run(this.#stopping.signal)
    this.#with.view.first().catch((error: unknown) => this.#changes.fail(error))
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { view, clock } = this.#with
    for await (const state of view.follow(signal)) {
      if (this.#changes.value) await clock.sleep(DEBOUNCE_MS, signal).catch(() => {})
      this.#take(view.current ?? state)
    }
    this.#changes.close()
  }

  /** What members tell of themselves changes no ring, but for their weights. */
  #take({ version, members }: GroupState): void {
    const weighted = members.map(({ id, capabilities }) => ({ id, weight: weightOf(capabilities) }))
    const text = JSON.stringify(weighted)
    if (text === this.#members) return
    this.#members = text
    this.#changes.set(new RingOfGroup(version, new Ring(weighted), this.#with.memberId))
  }
}

class RingOfGroup implements RingChange {
  readonly version: number
  readonly #ring: Ring
  readonly #memberId: string

  constructor(version: number, ring: Ring, memberId: string) {
    this.version = version
    this.#ring = ring
    this.#memberId = memberId
  }

  get members(): readonly string[] {
    return this.#ring.members
  }

  owners(key: string, replicas?: number): readonly string[] {
    return this.#ring.owners(key, replicas)
  }

  /** Never, for one that is not in the group. */
  isMine(key: string): boolean {
    return this.#ring.owner(key) === this.#memberId
  }
}
