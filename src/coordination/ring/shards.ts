import type { HeldLock, RingChange, ShardOwner } from '../contract.js'
import { Listeners } from '../group/listeners.js'
import { hashText } from './hash.js'
import { ShardHold, type ShardDependencies, type ShardEvents } from './shard-hold.js'

const MAX_SHARDS = 65_536
const SHARD_SEED = 0x1b56c4e9

/**
 * A member's part of `count` shards. The ring says who should have a shard, its lock
 * says who has it: two members may look at different rings for a moment, and yet no
 * shard has two owners. A member that should have one waits in the queue of its lock
 * for the old owner, who hands it over as soon as it has seen the new ring and its
 * listeners of `lost` have returned.
 *
 * Not guaranteed: that work begun under a shard has ended when `lost` is told. It is
 * for the listener, or the lock's `lost` signal, to end it, and for the fence to refuse it.
 */
export class LockedShards implements ShardOwner {
  readonly #count: number
  readonly #holds: readonly ShardHold[]
  readonly #gained = new Listeners<[shard: number]>()
  readonly #lost = new Listeners<[shard: number]>()
  readonly #stopping = new AbortController()
  #followed: Promise<void> | undefined

  /** @throws RangeError for a count outside 1…65 536 */
  constructor(group: string, count: number, dependencies: ShardDependencies) {
    if (!Number.isInteger(count) || count < 1 || count > MAX_SHARDS) throw new RangeError(`Cannot share out "${group}" as the number of shards is 1 to ${MAX_SHARDS}: ${count}`)
    this.#count = count
    const events: ShardEvents = { gained: (shard) => this.#gained.tell(shard), lost: (shard) => this.#lost.tell(shard) }
    this.#holds = Array.from({ length: count }, (_, shard) => new ShardHold(shard, shardLockName(group, count, shard), dependencies, events))
  }

  /** Follows the ring until `stop()`, or until there are no more changes; resolves when every shard is given back. Once. */
  start(changes: (signal: AbortSignal) => AsyncIterable<RingChange>): Promise<void> {
    this.#followed = this.#follow(changes(this.#stopping.signal))
    return this.#followed
  }

  get owned(): readonly number[] {
    return this.#holds.filter(({ held }) => held).map(({ shard }) => shard)
  }

  shardOf(key: string): number {
    if (typeof key !== 'string') throw new TypeError(`Cannot find the shard of a key as it is text: ${typeof key}`)
    return hashText(key, SHARD_SEED) % this.#count
  }

  lockOf(key: string): HeldLock | undefined {
    return this.#holds[this.shardOf(key)]?.held
  }

  on(event: 'gained' | 'lost', listener: (shard: number) => void): this {
    const listeners = event === 'gained' ? this.#gained : this.#lost
    listeners.add(listener)
    return this
  }

  /** Asks the store whether each shard is held still: after this member had been taken for dead. */
  recheck(): void {
    for (const hold of this.#holds) hold.recheck()
  }

  /** Resolves when every shard is given back. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#followed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #follow(changes: AsyncIterable<RingChange>): Promise<void> {
    for await (const ring of changes) {
      for (const hold of this.#holds) hold.assign(ring.owners(hold.name)[0])
    }
    await Promise.all(this.#holds.map((hold) => hold.stop()))
  }
}

/** `shard/volumes/64/17`: of another count, the shards and the locks are others. */
export function shardLockName(group: string, count: number, shard: number): string {
  return `shard/${group}/${count}/${shard}`
}
