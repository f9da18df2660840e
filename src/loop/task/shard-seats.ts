import { hasCode, messageOf } from '../../base/errors.js'
import type { Coordinator, HeldLock, ShardOwner } from '../../coordination/contract.js'
import type { SeatKeeper } from './leader-seat.js'
import { aborted, LinkedAbort } from './linked-abort.js'
import { retryPauseMs, type Partition, type Take } from './seat.js'

export interface Shards {
  /** Its members share the shards. This process joins it, and leaves it at the end. */
  readonly group: string
  /** How many there are: the same everywhere. */
  readonly count: number
}

/**
 * Joins the group, and has a seat taken for each shard that falls to this member, until
 * the signal aborts. Then it waits for the takers, gives the shards back, and leaves.
 *
 * A shard that another member should have is handed over as soon as its seat's signal
 * has aborted: the fence is what refuses the rest of a run that does not look at it.
 */
export async function keepShardSeats(coordinator: Coordinator, shards: Shards, take: Take, keeper: SeatKeeper): Promise<void> {
  const { signal, clock, log } = keeper
  for (let failures = 0; !signal.aborted;) {
    try {
      return await share(coordinator, shards, take, signal)
    } catch (error) {
      if (signal.aborted) return
      if (hasCode(error, 'COORDINATOR_STOPPED')) return void log.warn(`nothing of "${shards.group}" is run here any more: ${messageOf(error)}`, { event: 'task.seat_given_up', group: shards.group, error })
      log.warn(`no share of "${shards.group}": ${messageOf(error)}`, { event: 'task.seat_failed', group: shards.group, error })
      await clock.sleep(retryPauseMs(failures++), signal).catch(() => {})
    }
  }
}

async function share(coordinator: Coordinator, { group: name, count }: Shards, take: Take, signal: AbortSignal): Promise<void> {
  const group = coordinator.group(name)
  await group.join()
  try {
    await using owner = await coordinator.hashRing(name).shards(count)
    const seats = new ShardSeats(owner, count, take, signal)
    await aborted(signal)
    await seats.empty()
  } finally {
    await group.leave()
  }
}

class ShardSeats {
  readonly #owner: ShardOwner
  readonly #keys: readonly string[]
  readonly #take: Take
  readonly #stop: AbortSignal
  /** Of those that are taken now: to end it, and when it has ended. */
  readonly #seats = new Map<number, { readonly gone: AbortController; readonly left: Promise<void> }>()

  constructor(owner: ShardOwner, count: number, take: Take, stop: AbortSignal) {
    this.#owner = owner
    this.#keys = keysOfShards(owner, count)
    this.#take = take
    this.#stop = stop
    owner.on('gained', (shard) => this.#gain(shard)).on('lost', (shard) => this.#lose(shard))
    for (const shard of owner.owned) this.#gain(shard)
  }

  async empty(): Promise<void> {
    await Promise.all([...this.#seats.values()].map(({ left }) => left))
  }

  #gain(shard: number): void {
    const lock = this.#owner.lockOf(this.#keys[shard] ?? '')
    const before = this.#seats.get(shard)
    if (this.#stop.aborted || !lock || (before && !before.gone.signal.aborted)) return
    const gone = new AbortController()
    this.#seats.set(shard, { gone, left: this.#sit(shard, lock, gone.signal, before?.left) })
  }

  #lose(shard: number): void {
    this.#seats.get(shard)?.gone.abort(new Error(`Cannot go on with shard ${shard} as it is another member's now`))
  }

  /** `before`: a run of the last time that this member had it may not have ended yet. */
  async #sit(shard: number, lock: HeldLock, gone: AbortSignal, before: Promise<void> | undefined): Promise<void> {
    await before
    using seat = new LinkedAbort([lock.lost, this.#stop, gone])
    const partition: Partition = { shard, count: this.#keys.length, isMine: (key) => this.#owner.shardOf(key) === shard }
    if (!seat.signal.aborted) await this.#take({ signal: seat.signal, fence: lock.fence, partition })
  }
}

/** A key of each shard: the contract finds locks by keys. */
function keysOfShards(owner: ShardOwner, count: number): readonly string[] {
  const keys = new Array<string>(count).fill('')
  for (let found = 0, i = 0; found < count; i++) {
    const shard = owner.shardOf(String(i))
    if (keys[shard] !== '') continue
    keys[shard] = String(i)
    found++
  }
  return keys
}
