import { CodedError } from '../../base/errors.js'
import type { CoordinationErrorCode } from '../errors.js'

/**
 * Fences at the resource: a bigint in code, decimal text everywhere outside. They
 * stay below 2^53, so that a Lua number, a double of a database and a JSON number
 * hold each of them exactly.
 */
export const MAX_FENCE = BigInt(Number.MAX_SAFE_INTEGER)

const DECIMAL = /^(?:0|[1-9][0-9]{0,15})$/

/** A fence as text. @throws TypeError for what is no bigint, RangeError outside 0…2^53-1 */
export function fenceText(fence: bigint): string {
  if (typeof fence !== 'bigint') throw new TypeError(`Cannot use a fence as it is a bigint: ${typeof fence}`)
  if (fence < 0n || fence > MAX_FENCE) throw new RangeError(`Cannot use a fence as it is 0 to ${MAX_FENCE}: ${fence}`)
  return String(fence)
}

/** The fence that `text` says; undefined for anything that `fenceText` does not write. */
export function parseFence(text: string): bigint | undefined {
  if (!DECIMAL.test(text)) return undefined
  const fence = BigInt(text)
  return fence > MAX_FENCE ? undefined : fence
}

/** The refusal of a write: `newest` is the fence that the resource has seen, where that is known. */
export function staleFence(resource: string, fence: bigint, newest?: bigint): CodedError<CoordinationErrorCode> {
  const seen = newest === undefined ? '' : ` (${newest})`
  return new CodedError('FENCE_STALE', `Cannot write "${resource}" as it has seen a newer fence${seen}: ${fence}`, {
    details: { resource, fence: String(fence), ...(newest === undefined ? {} : { newest: String(newest) }) },
  })
}
