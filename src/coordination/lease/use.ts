import type { AcquireOptions, HeldLock } from '../contract.js'
import { acquireLease } from './acquire.js'
import { lockLost } from './lease-errors.js'
import type { LeaseKeeper, UseScope } from './lease-keeper.js'
import type { LeaseSpec } from './lease-spec.js'
import type { Lease } from './lease.js'

/**
 * Runs `work` under a lease, and releases it when `work` has settled. A further `use`
 * of the resource from within, by the same async call, runs under the same lease.
 *
 * When the lease was lost before the work had settled, the result cannot be trusted,
 * and an error is most probably what the loss did to the work: it rejects with
 * LOCK_LOST, whose cause is that error. Otherwise an error of the work stays as it is.
 *
 * @throws CodedError LOCK_LOST, and what `acquireLease` throws; TypeError for a writer within its own reader
 */
export async function useLease<T>(keeper: LeaseKeeper, spec: LeaseSpec, work: (held: HeldLock) => T | Promise<T>, options?: AcquireOptions): Promise<T> {
  const outer = heldWithin(keeper.scopes.getStore(), spec)
  if (outer) {
    outer.assertHeld()
    return work(outer)
  }
  const lease = await acquireLease(keeper, spec, options)
  const scope = { lease, outer: keeper.scopes.getStore() }
  let result: T
  try {
    result = await lease.during(() => keeper.scopes.run(scope, work, lease))
  } catch (error) {
    await lease.release()
    throw lossBehind(lease, error)
  }
  if (!await lease.release()) throw lease.lossReason ?? lockLost(lease.name, lease.fence, 'gone')
  return result
}

/** One that was released inside is another matter: the next use takes its own. */
function heldWithin(innermost: UseScope | undefined, spec: LeaseSpec): Lease | undefined {
  for (let scope = innermost; scope; scope = scope.outer) {
    const { lease } = scope
    if (lease.spec.resource !== spec.resource || lease.stateName === 'released') continue
    if (lease.spec.weight < spec.weight) throw new TypeError(`Cannot write under "${spec.name}" as this call reads under it and would wait for itself: fence ${lease.fence}`)
    return lease
  }
  return undefined
}

function lossBehind(lease: Lease, error: unknown): unknown {
  const loss = lease.lossReason
  if (!loss || loss === error) return error
  return lockLost(lease.name, lease.fence, lease.lossCause, error)
}
