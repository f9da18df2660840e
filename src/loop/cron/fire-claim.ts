import type { Clock } from '../../base/clock.js'
import { hasCode } from '../../base/errors.js'
import type { Coordinator, HeldLock, Lock } from '../../coordination/contract.js'

/** The right to run one fire. Give it up after the run. */
export interface ClaimedFire {
  readonly fence: bigint
  readonly lost: AbortSignal
  /** Ends the claim: the fire stays taken until the time that was given. */
  settle(): Promise<void>
}

export type Claim = ClaimedFire | 'taken' | 'unavailable'

export interface ClaimOptions {
  /** Named by task and fire time. */
  readonly name: string
  /** For so long from now nobody else gets the fire, in ms: also when this process dies. */
  readonly keptMs: number
  /** How long to ask again when the store cannot say, in ms. */
  readonly patienceMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

const ASK_AGAIN_MS = 250

/**
 * Claims one fire among all hosts. The claim is a lock that nobody gets for `keptMs`
 * after it was held: neither a host whose clock comes to the fire later, when the run
 * has long ended, nor one after the death of this process. So a fire is run once at
 * most; it is not run by another when its host dies in the middle.
 */
export async function claimFire(coordinator: Coordinator, { name, keptMs, patienceMs, clock, signal }: ClaimOptions): Promise<Claim> {
  const lock = coordinator.lock(name, { lockDelayMs: keptMs })
  const giveUpAt = clock.now() + patienceMs
  while (!signal.aborted) {
    const held = await tryClaim(lock)
    if (held === 'taken') return held
    if (held) return new LockClaim(lock, held, { clock, signal, keptUntil: clock.now() + keptMs })
    if (clock.now() + ASK_AGAIN_MS > giveUpAt) break
    await clock.sleep(ASK_AGAIN_MS, signal).catch(() => {})
  }
  return 'unavailable'
}

/** Undefined: the store cannot say: it is away, or in quarantine, in which nobody holds anything. */
async function tryClaim(lock: Lock): Promise<HeldLock | 'taken' | undefined> {
  try {
    return await lock.tryAcquire() ?? (await lock.inspect() ? 'taken' : undefined)
  } catch (error) {
    if (hasCode(error, 'COORDINATION_UNAVAILABLE')) return undefined
    throw error
  }
}

class LockClaim implements ClaimedFire {
  readonly fence: bigint
  readonly lost: AbortSignal
  readonly #lock: Lock
  readonly #held: HeldLock
  readonly #with: { readonly clock: Clock; readonly signal: AbortSignal; readonly keptUntil: number }

  constructor(lock: Lock, held: HeldLock, parts: { readonly clock: Clock; readonly signal: AbortSignal; readonly keptUntil: number }) {
    this.fence = held.fence
    this.lost = held.lost
    this.#lock = lock
    this.#held = held
    this.#with = parts
  }

  /** Broken, the lock is closed for what is left; released, it would be open. A lease that is lost closes it by itself. */
  async settle(): Promise<void> {
    const { clock, signal, keptUntil } = this.#with
    while (this.#held.held && keptUntil > clock.now() && !await this.#close(keptUntil - clock.now())) {
      if (signal.aborted) break
      await clock.sleep(ASK_AGAIN_MS, signal).catch(() => {})
    }
    await this.#held.release()
  }

  /** False: the store is away. */
  async #close(lockDelayMs: number): Promise<boolean> {
    try {
      await this.#lock.break({ lockDelayMs })
      return true
    } catch (error) {
      if (hasCode(error, 'COORDINATION_UNAVAILABLE')) return false
      throw error
    }
  }
}
