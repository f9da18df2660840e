import type { Clock } from '../../base/clock.js'
import { hasCode } from '../../base/errors.js'
import type { Random } from '../../base/random.js'
import type { HeldLock, Lock } from '../contract.js'

/** After an acquisition that failed, doubling with each; ± 20 %. */
const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 30_000

export interface ShardDependencies {
  readonly memberId: string
  readonly clock: Clock
  readonly random: Random
  readonly lockOf: (name: string) => Lock
}

export interface ShardEvents {
  readonly gained: (shard: number) => void
  readonly lost: (shard: number) => void
}

/**
 * One shard, as one member wants it and has it. While it is wanted, one task waits for
 * its lock, holds it, and takes it anew when the lease was lost; when it is wanted no
 * more, the task ends, handing the lock to the one who should have it.
 */
export class ShardHold {
  readonly shard: number
  /** Of its lock, and its key in the ring. */
  readonly name: string
  readonly #with: ShardDependencies
  readonly #events: ShardEvents
  #owner: string | undefined
  #wanted: AbortController | undefined
  #holding: { readonly lock: HeldLock; readonly gone: AbortController } | undefined
  #task: Promise<void> = Promise.resolve()

  constructor(shard: number, name: string, dependencies: ShardDependencies, events: ShardEvents) {
    this.shard = shard
    this.name = name
    this.#with = dependencies
    this.#events = events
  }

  /** Its lock, while that is held for certain. */
  get held(): HeldLock | undefined {
    const lock = this.#holding?.lock
    return lock?.held ? lock : undefined
  }

  /** Says who should have it; undefined: nobody. */
  assign(owner: string | undefined): void {
    this.#owner = owner
    if (owner !== this.#with.memberId) this.#wanted?.abort()
    else if (!this.#wanted || this.#wanted.signal.aborted) this.#want()
  }

  /** Gives it up, if the store says that it is not held here. When the store is away, the lease's own clock judges. */
  recheck(): void {
    const holding = this.#holding
    holding?.lock.isStillOwner().then((still) => { if (!still) holding.gone.abort() }, () => {})
  }

  /** Resolves when it is given back. */
  async stop(): Promise<void> {
    this.assign(undefined)
    await this.#task
  }

  #want(): void {
    const wanted = new AbortController()
    const before = this.#task
    this.#wanted = wanted
    this.#task = before.then(() => this.#keep(wanted.signal))
  }

  async #keep(wanted: AbortSignal): Promise<void> {
    for (let failures = 0; !wanted.aborted;) {
      try {
        const lock = await this.#with.lockOf(this.name).acquire({ signal: wanted })
        failures = 0
        await this.#hold(lock, wanted)
      } catch (error) {
        if (hasCode(error, 'COORDINATOR_STOPPED')) return
        // Aborted, or the store is away or refuses, which its own log tells: the shard stays wanted.
        await this.#with.clock.sleep(this.#retryMs(failures++), wanted).catch(() => {})
      }
    }
  }

  /** Until it is wanted no more, or lost. */
  async #hold(lock: HeldLock, wanted: AbortSignal): Promise<void> {
    if (!wanted.aborted) {
      const gone = new AbortController()
      this.#holding = { lock, gone }
      this.#events.gained(this.shard)
      await firstAbort([wanted, lock.lost, gone.signal])
      this.#holding = undefined
      this.#events.lost(this.shard)
    }
    await this.#give(lock)
  }

  async #give(lock: HeldLock): Promise<void> {
    const to = this.#owner
    const transferred = to !== undefined && to !== this.#with.memberId && lock.held && await lock.transfer(to).catch(() => false)
    if (!transferred) await lock.release()
  }

  #retryMs(failures: number): number {
    return Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS) * (0.8 + 0.4 * this.#with.random())
  }
}

/** Resolves as soon as one of them is aborted. */
async function firstAbort(signals: readonly AbortSignal[]): Promise<void> {
  const done = new AbortController()
  await new Promise<void>((resolve) => {
    for (const signal of signals) {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true, signal: done.signal })
    }
  })
  done.abort()
}
