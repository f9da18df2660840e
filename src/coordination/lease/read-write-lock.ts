import type { LockOptions, ReadWriteLock } from '../contract.js'
import type { LeaseKeeper } from './lease-keeper.js'
import { MAX_CAPACITY, resolveSpec } from './lease-spec.js'
import { LeaseLock } from './lock.js'

/**
 * A reader takes one part of the resource, a writer all of it; so the queue keeps
 * readers behind a writer that came before them. @throws RangeError, TypeError
 */
export function createReadWriteLock(keeper: LeaseKeeper, name: string, options: LockOptions = {}): ReadWriteLock {
  const spec = { ...resolveSpec('lock', name, options, keeper), capacity: MAX_CAPACITY }
  return {
    name,
    read: new LeaseLock(keeper, spec),
    write: new LeaseLock(keeper, { ...spec, weight: MAX_CAPACITY }),
  }
}
