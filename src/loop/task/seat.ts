/**
 * Where a task may run. `every` has one seat, for ever; `leader` has one, while this
 * process leads; `partition` has one for each shard that this process owns. Whoever
 * takes a seat works until its signal aborts and gives it back by returning: only
 * then is it released for others.
 */
export interface Seat {
  /** Aborts with the reason: LOCK_LOST before anyone else can have the seat, or the stop of the tasks. */
  readonly signal: AbortSignal
  /** Grows with each holder of the seat. Absent for `every`. */
  readonly fence?: bigint
  /** The term of a leader. */
  readonly epoch?: bigint
  readonly partition?: Partition
}

/** One of the shards into which all keys fall. */
export interface Partition {
  /** 0…count-1. */
  readonly shard: number
  readonly count: number
  /** Whether `key`, of an object that the task works on, is in this shard. */
  isMine(key: string): boolean
}

export type Take = (seat: Seat) => Promise<void>

/** After a failure of the store that it does not wait out by itself, doubling; ms. */
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 30_000

export function retryPauseMs(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS)
}
