import { trimmed } from '../arguments.js'
import { ThreadPoolError } from '../errors.js'
import { ANSWER, type EncodedResult } from '../messages.js'
import { isMoved, unwrapMoved } from '../transfer-result.js'
import { findUncloneable } from '../uncloneable.js'
import { iteratorOf, type AnyIterator } from './iterators.js'
import type { LoadedModule } from './modules.js'

/** Where objects and iterators go that stay here; each gives the number or the description for the answer. */
export interface Keeper {
  keepObject(object: object, module: LoadedModule): unknown
  keepIterator(iterator: AnyIterator, module: LoadedModule): number
}

export interface Encoded {
  readonly result: EncodedResult
  readonly transfer: readonly ArrayBuffer[]
}

/** What a call gave, as it is sent. */
export function encodeResult(value: unknown, module: LoadedModule, keeper: Keeper): Encoded {
  if (typeof value === 'function' || typeof value === 'symbol') throw refusedResult(value)
  if (typeof value !== 'object' || value === null) return plain([ANSWER.value, value])
  if (isMoved(value)) return encodeMoved(value)
  if (Buffer.isBuffer(value)) return plain([ANSWER.buffer, trimmed(value)])
  if (Array.isArray(value)) return plain([ANSWER.value, value])
  if (module.keeps(value)) return plain([ANSWER.object, keeper.keepObject(value, module)])
  const iterator = iteratorOf(value)
  return plain(iterator ? [ANSWER.iterator, keeper.keepIterator(iterator, module)] : [ANSWER.value, value])
}

export function refusedResult(value: unknown, cause?: unknown): ThreadPoolError {
  const { path, type } = findUncloneable(value)
  return new ThreadPoolError('RESULT_UNCLONEABLE', `Cannot return a result from a thread as ${path === '' ? 'it' : path} must be able to leave it: ${type}`, {
    details: { path, type }, ...cause !== undefined && { cause },
  })
}

function encodeMoved(moved: Parameters<typeof unwrapMoved>[0]): Encoded {
  const { value, transfer } = unwrapMoved(moved)
  return { result: [Buffer.isBuffer(value) ? ANSWER.buffer : ANSWER.value, value], transfer }
}

const NOTHING: readonly ArrayBuffer[] = []

function plain(result: EncodedResult): Encoded {
  return { result, transfer: NOTHING }
}
