import type { AcquireReply } from '../store.js'

/** What ACQUIRE_SCRIPT answers: its code, and up to three numbers, see there. */
export type AcquireCodes = readonly [code: number, first: number, second: number, third: number]

export const GRANTED = 1
export const OTHER_EPOCH = -2

const QUARANTINED = -1
const MISMATCH = -3

export function parseAcquire([code, first, second, third]: AcquireCodes): AcquireReply {
  if (code === GRANTED) return { status: 'granted', fence: BigInt(first), leftMs: second, replayed: third === 1 }
  if (code === QUARANTINED) return { status: 'quarantined', leftMs: first }
  if (code === MISMATCH) return { status: 'mismatch', capacity: first }
  return { status: 'busy', position: first, queued: second, retryMs: third }
}
