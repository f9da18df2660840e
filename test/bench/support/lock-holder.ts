import type { Coordinator } from '#src/coordination/contract.js'
import { contenderFile } from './paths.js'

/** How one library holds a lock, and wants one that another has. */
export interface HolderLibrary {
  /** Resolves when held; `told` is called at the first sign of a loss that the library gives. */
  hold(options: HoldOptions): Promise<Held>
  /** A second client: resolves when it has the lock. */
  wait(options: WaitOptions): Promise<unknown>
}

export interface WaitOptions {
  readonly url: string
  readonly name: string
  readonly ttlMs: number
}

export interface HoldOptions extends WaitOptions {
  readonly redisOptions: object
  readonly told: () => void
}

export interface Held {
  /** What the library answers at once, without a turn of the event loop. */
  isHeld(): boolean
}

export const REEVE_HOLDER = 'reeve'

/** @throws when there is no such library, or it does not run here */
export async function holderLibrary(library: string): Promise<HolderLibrary> {
  if (library === REEVE_HOLDER) return reeve
  const { holders } = (await import(contenderFile('lock-holders.mjs'))) as { readonly holders: Readonly<Record<string, HolderLibrary>> }
  const found = holders[library]
  if (!found) throw new Error(`Cannot hold with "${library}" as there is no such library`)
  return found
}

const reeve: HolderLibrary = {
  hold: async ({ url, name, ttlMs, told }) => {
    const coordinator = await coordinatorOf(`${url}?max_ttl=${ttlMs}ms`, `holder/${process.pid}`)
    const held = await coordinator.lock(name).acquire()
    held.lost.addEventListener('abort', told)
    return { isHeld: () => held.held }
  },
  wait: async ({ url, name, ttlMs }) => {
    const coordinator = await coordinatorOf(`${url}?max_ttl=${ttlMs}ms`, `rival/${process.pid}`)
    await coordinator.lock(name).acquire()
  },
}

/** Loaded only where it is used: a peer's process has nothing of Reeve. */
async function coordinatorOf(url: string, memberId: string): Promise<Coordinator> {
  const { getCoordinator } = await import('#src/coordination/get-coordinator.js')
  return await getCoordinator(url, memberId)
}
