import type { LockOptions } from '../contract.js'
import { checkName, MAX_LOCK_DELAY_MS } from '../names.js'
import type { ResourceKind } from '../store.js'

/** What is asked for of a resource, resolved and checked: one object for all requests of a lock. */
export interface LeaseSpec {
  /** As the user says it: `volume-42`. */
  readonly name: string
  /** As the store says it: `lock:volume-42`. */
  readonly resource: string
  readonly weight: number
  readonly capacity: number
  readonly ttlMs: number
  readonly lockDelayMs: number
  readonly overrun: 'warn' | 'kill'
  /** About the holder: the text of a JSON object. */
  readonly record: string
}

/** What a keeper adds to the options of a lock. */
export interface LeaseDefaults {
  readonly ttlMs: number
  readonly maxTtlMs: number
  readonly record: string
}

export const MIN_TTL_MS = 250
/** The most that one resource can be held at once. A writer takes all of it. */
export const MAX_CAPACITY = 1_000_000

/** @throws RangeError, TypeError */
export function resolveSpec(kind: ResourceKind, name: string, options: LockOptions, defaults: LeaseDefaults): LeaseSpec {
  checkName(kind, name)
  const { ttlMs = defaults.ttlMs, lockDelayMs = 0, overrun = 'warn' } = options
  checkTtl(ttlMs, defaults.maxTtlMs)
  checkLockDelay(lockDelayMs)
  if (overrun !== 'warn' && overrun !== 'kill') throw new RangeError(`Cannot use the option overrun as it is warn or kill: ${String(overrun)}`)
  return { name, resource: `${kind}:${name}`, weight: 1, capacity: 1, ttlMs: Math.floor(ttlMs), lockDelayMs: Math.ceil(lockDelayMs), overrun, record: defaults.record }
}

/** @throws RangeError */
export function checkTtl(ttlMs: number, maxTtlMs: number): void {
  if (ttlMs >= MIN_TTL_MS && ttlMs <= maxTtlMs) return
  throw new RangeError(`Cannot use the option ttlMs as it is from ${MIN_TTL_MS} to maxTtlMs, ${maxTtlMs}: ${String(ttlMs)}`)
}

/** @throws RangeError */
export function checkDelay(option: string, ms: number): void {
  if (ms >= 0 && Number.isFinite(ms)) return
  throw new RangeError(`Cannot use the option ${option} as it is a number of milliseconds, 0 or more: ${String(ms)}`)
}

/** @throws RangeError */
export function checkLockDelay(ms: number): void {
  if (ms >= 0 && ms <= MAX_LOCK_DELAY_MS) return
  throw new RangeError(`Cannot use the option lockDelayMs as it is 0 to ${MAX_LOCK_DELAY_MS} ms: ${String(ms)}`)
}

/** @throws RangeError */
export function checkCount(option: string, count: number, max: number): void {
  if (Number.isInteger(count) && count >= 1 && count <= max) return
  throw new RangeError(`Cannot use the option ${option} as it is a whole number from 1 to ${max}: ${String(count)}`)
}
