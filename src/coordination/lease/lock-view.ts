import type { HolderView, LockView } from '../contract.js'
import { memberOf } from '../names.js'
import type { CoordinationStore, HolderSnapshot, ResourceSnapshot } from '../store.js'

/** Every lock, read/write lock and semaphore that is held, awaited, or closed by a lock delay; sorted by name. */
export async function readLocks(store: CoordinationStore): Promise<readonly LockView[]> {
  const snapshots = await store.listResources('lock')
  return snapshots.map(viewOf)
}

/** A resource as operators see it. Its name is without the kind. */
export function viewOf(snapshot: ResourceSnapshot): LockView {
  const { name, capacity, holders, waiters, closedMs, last } = snapshot
  return {
    name: name.slice(name.indexOf(':') + 1),
    capacity,
    holders: holders.map(holderViewOf),
    waiters: waiters.map(({ id, weight }) => ({ memberId: memberOf(id), weight })),
    closedMs,
    last,
  }
}

/** The record was written by another process: it may have any form. */
function holderViewOf({ id, fence, weight, since, leftMs, record }: HolderSnapshot): HolderView {
  const { host, pid, worker } = record
  return {
    memberId: memberOf(id), fence, weight, since, leftMs,
    host: typeof host === 'string' ? host : undefined,
    pid: typeof pid === 'number' ? pid : undefined,
    worker: typeof worker === 'string' ? worker : undefined,
  }
}
