import { CodedError } from '../base/errors.js'

/**
 * - `QUEUE_CLOSED`: a put into a queue that was closed, or a take from one that is closed and empty.
 * - `QUEUE_ABORTED`: what was queued or ran when `abort()` was called without a reason.
 * - `POOL_WAITS_FOR_ITSELF`: a task waits for the end of its own pool, or for room that only the waiting could make.
 * - `POOL_ABORTED`: what waited or ran when `TaskPool.abort()` was called without a reason.
 * - `FAN_OUT_FAILED`: parts of a request failed; see `FanOutError`.
 * - `TARGETS_CLOSED`: a connection was asked for after `Targets.close()`.
 */
export type QueueErrorCode =
  | 'QUEUE_CLOSED' | 'QUEUE_ABORTED' | 'POOL_WAITS_FOR_ITSELF' | 'POOL_ABORTED' | 'FAN_OUT_FAILED' | 'TARGETS_CLOSED'

export class QueueError extends CodedError<QueueErrorCode> {}

export function queueClosed(act: 'put into' | 'take from', name: string): QueueError {
  return new QueueError('QUEUE_CLOSED', `Cannot ${act} the queue "${name}" as it is closed`)
}

export function queueAborted(name: string): QueueError {
  return new QueueError('QUEUE_ABORTED', `Cannot go on with "${name}" as it was aborted`)
}

/** @throws RangeError unless `value` is a whole number of at least 1, or Infinity where that is allowed. */
export function atLeastOne(option: string, value: number, { infinite = false } = {}): number {
  if ((Number.isSafeInteger(value) && value >= 1) || (infinite && value === Number.POSITIVE_INFINITY)) return value
  throw new RangeError(`Cannot use the option ${option} as it is a whole number of at least 1: ${String(value)}`)
}
