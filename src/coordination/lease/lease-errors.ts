import { CodedError } from '../../base/errors.js'
import type { CoordinationErrorCode } from '../errors.js'

/** Why a lease is no longer held. `gone`: the store does not have it: released by force, expired there, or forgotten. */
export type LossReason = 'expired' | 'gone' | 'unsure' | 'stopped' | 'released'

const RULES: Readonly<Record<LossReason, string>> = {
  expired: 'its lease was not renewed in time',
  gone: 'the store does not have its lease any more',
  unsure: 'a transfer of it may have happened',
  stopped: 'the coordinator was stopped',
  released: 'it was released',
}

export function lockLost(name: string, fence: bigint, reason: LossReason, cause?: unknown): CodedError<CoordinationErrorCode> {
  return new CodedError('LOCK_LOST', `Cannot go on under "${name}" as ${RULES[reason]}: fence ${fence}`, { details: { name, fence: String(fence), reason }, cause })
}

export function lockTimeout(name: string, timeoutMs: number, cause?: unknown): CodedError<CoordinationErrorCode> {
  return new CodedError('LOCK_TIMEOUT', `Cannot acquire "${name}" as it was not to be had in time: ${timeoutMs} ms`, { details: { name, timeoutMs }, cause })
}

export function capacityMismatch(name: string, asked: number, capacity: number): CodedError<CoordinationErrorCode> {
  return new CodedError('LOCK_CAPACITY_MISMATCH', `Cannot acquire "${name}" with the limit ${asked} as its users agree on one: ${capacity}`, { details: { name, limit: asked, capacity } })
}

export function coordinatorStopped(name: string): CodedError<CoordinationErrorCode> {
  return new CodedError('COORDINATOR_STOPPED', `Cannot acquire "${name}" as the coordinator takes no requests: it was stopped`, { details: { name } })
}
