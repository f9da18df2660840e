import type { ByteSpan } from './open-volume.js'

const ONE_RANGE = /^bytes=\s*(\d*)-(\d*)\s*$/i

/**
 * What a `Range` field asks for out of `sizeBytes`. `whole` when it is missing,
 * malformed or asks for several ranges, as RFC 9110 14.2 allows; `unsatisfiable`
 * when nothing of it is there.
 */
export function parseByteRange(value: string | undefined, sizeBytes: number): ByteSpan | 'whole' | 'unsatisfiable' {
  const [, first = '', last = ''] = ONE_RANGE.exec(value ?? '') ?? []
  if (first === '') return last === '' ? 'whole' : suffix(Number(last), sizeBytes)
  const start = Number(first)
  const end = last === '' ? Number.POSITIVE_INFINITY : Number(last)
  if (end < start) return 'whole'
  return start < sizeBytes ? { start, end: Math.min(end, sizeBytes - 1) } : 'unsatisfiable'
}

/** The last `lengthBytes`, or all when there are fewer. */
function suffix(lengthBytes: number, sizeBytes: number): ByteSpan | 'unsatisfiable' {
  if (lengthBytes === 0 || sizeBytes === 0) return 'unsatisfiable'
  return { start: Math.max(0, sizeBytes - lengthBytes), end: sizeBytes - 1 }
}
