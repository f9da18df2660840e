import { hasCode } from '../../base/errors.js'
import type { Leader } from '../contract.js'
import type { LeaseKeeper } from '../lease/lease-keeper.js'
import { backoffMs } from '../lease/timing.js'
import type { CoordinationStore } from '../store.js'
import { Bell } from './bell.js'
import { leaderIn, type LeaderSnapshot } from './leader.js'

/** Messages may be lost: so often the leader is asked for without one, ± 20 %. */
const RECONCILE_MS = 30_000
/** A lease is over a little after it has nothing left. */
const PAST_END_MS = 5

/**
 * The leader now, then each change, until `signal` aborts or the keeper stops. A
 * message only says that there is something to see; what is yielded was read after
 * it, so that changes in quick succession, or while the consumer is busy, are one.
 * While the store cannot be asked, the last known leader stands.
 */
export async function* observeLeader(keeper: LeaseKeeper, store: CoordinationStore, resource: string, signal?: AbortSignal): AsyncGenerator<Leader | undefined, void, undefined> {
  const { time, random } = keeper
  using bell = new Bell(time, signal ? [signal, keeper.stopped] : [keeper.stopped])
  await using watch = new Watch(store, resource, bell)
  let seen: string | undefined
  for (let failures = 0; !bell.over;) {
    bell.quiet()
    const read = await patiently(async () => {
      await watch.open()
      return { found: leaderIn(await store.readResource(resource)) }
    })
    if (bell.over) return
    failures = read ? 0 : failures + 1
    if (read && keyOf(read.found) !== seen) {
      seen = keyOf(read.found)
      yield read.found?.leader
    }
    const reconcileMs = RECONCILE_MS * (0.8 + 0.4 * random())
    await bell.rung(read ? Math.min(reconcileMs, (read.found?.leftMs ?? reconcileMs) + PAST_END_MS) : backoffMs(failures, random()))
  }
}

/** A subscription that is tried for again until it stands. */
class Watch implements AsyncDisposable {
  readonly #store: CoordinationStore
  readonly #topic: string
  readonly #bell: Bell
  readonly #endGaps: () => void
  #end: (() => void) | undefined

  constructor(store: CoordinationStore, topic: string, bell: Bell) {
    this.#store = store
    this.#topic = topic
    this.#bell = bell
    this.#endGaps = store.onGap(() => { bell.ring() })
  }

  async open(): Promise<void> {
    this.#end ??= await this.#store.subscribe(this.#topic, () => { this.#bell.ring() })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#endGaps()
    this.#end?.()
  }
}

async function patiently<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (hasCode(error, 'COORDINATION_UNAVAILABLE')) return undefined
    throw error
  }
}

function keyOf(found: LeaderSnapshot | undefined): string {
  return found ? `${found.leader.epoch} ${JSON.stringify(found.leader.value)}` : ''
}
