import type { Coordinator, Lock } from '#src/coordination/contract.js'
import { HostLink, installHostLink } from '#src/ipc/host-link.js'
import { openLeaseRegister } from '#src/ipc/lease-register.js'
import { contenderFile } from './paths.js'

/** One client of a lock library, in whatever process, with a connection of its own. */
export interface LockClient {
  /** Waits until it is held; gives its release. */
  acquire(name: string): Promise<() => Promise<unknown>>
  close(): Promise<void>
}

/** What a benchmark of locks calls a contender. */
export const REEVE = 'reeve'
/** As a process that no launcher started: what it may hold is noted nowhere. */
export const REEVE_ALONE = 'reeve, no launcher'

/**
 * Connects a contender by its name. Reeve does as in a worker: each request is noted
 * in the lease register, so that the launcher can give back what a dead worker held.
 */
export async function openLockClient(contender: string, url: string): Promise<LockClient> {
  if (contender === REEVE || contender === REEVE_ALONE) return await openReeve(contender, url)
  const { openers } = await lockPeers()
  const open = openers[contender]
  if (!open) throw new Error(`Cannot open "${contender}" as there is no such contender`)
  return await open(url)
}

/** The commands that a contender sends itself, as INFO commandstats calls them. */
export async function requestsOf(contender: string): Promise<readonly string[]> {
  const { requests } = await lockPeers()
  return requests[contender] ?? ['evalsha', 'eval']
}

/** A coordinator in a process that looks like a worker to it. */
export async function openWorkerCoordinator(url: string, memberId: string): Promise<Coordinator> {
  installHostLink(new HostLink(url, openLeaseRegister(), () => {}))
  return await openCoordinator(url, memberId)
}

/** Loaded only where it is used: a peer's process has nothing of Reeve. */
async function openCoordinator(url: string, memberId: string): Promise<Coordinator> {
  const { getCoordinator } = await import('#src/coordination/get-coordinator.js')
  const coordinator = await getCoordinator(url, memberId)
  await coordinator.start()
  return coordinator
}

async function openReeve(contender: string, url: string): Promise<LockClient> {
  const memberId = `bench/${process.pid}/${contender}`
  const coordinator = await (contender === REEVE ? openWorkerCoordinator : openCoordinator)(url, memberId)
  const locks = new Map<string, Lock>()
  const lockOf = (name: string): Lock => {
    const lock = locks.get(name) ?? coordinator.lock(name)
    locks.set(name, lock)
    return lock
  }
  return {
    acquire: async (name) => {
      const held = await lockOf(name).acquire()
      return () => held.release()
    },
    close: () => coordinator.stop(),
  }
}

interface LockPeers {
  readonly openers: Readonly<Record<string, (url: string) => Promise<LockClient>>>
  readonly requests: Readonly<Record<string, readonly string[]>>
}

async function lockPeers(): Promise<LockPeers> {
  return (await import(contenderFile('lock-peers.mjs'))) as LockPeers
}
