import { CodedError } from 'reeve'

/** What can go wrong with a request, and the HTTP status that says so. */
export const STATUS_OF = {
  VOLUME_NAME_INVALID: 400,
  VOLUME_REQUEST_INVALID: 400,
  VOLUME_DIGEST_MISMATCH: 400,
  VOLUME_UPLOAD_ABORTED: 400,
  VOLUME_NOT_FOUND: 404,
  VOLUME_ROUTE_UNKNOWN: 404,
  VOLUME_METHOD_NOT_ALLOWED: 405,
  VOLUME_UPLOAD_STALLED: 408,
  VOLUME_EXISTS: 409,
  VOLUME_PRECONDITION_FAILED: 412,
  VOLUME_TOO_LARGE: 413,
  VOLUME_RANGE_INVALID: 416,
  VOLUME_ROTTEN: 500,
  VOLUME_FAILURE: 500,
  VOLUME_PRECONDITION_UNSUPPORTED: 501,
  VOLUME_BUSY: 503,
  VOLUME_DISK_FULL: 507,
} as const

export type RequestErrorCode = keyof typeof STATUS_OF

/** Why the service cannot start: no socket named `http`; a data directory it cannot read and write. */
export type StartErrorCode = 'VOLUME_SOCKET_MISSING' | 'VOLUME_DIRECTORY_UNUSABLE'

export type VolumeErrorCode = RequestErrorCode | StartErrorCode

export function volumeError(code: VolumeErrorCode, message: string, cause?: unknown): CodedError<VolumeErrorCode> {
  return new CodedError(code, message, { cause })
}

export type VolumeAct = 'read' | 'delete' | 'create' | 'clone' | 'flatten'

export function volumeMissing(name: string, act: VolumeAct): CodedError<VolumeErrorCode> {
  return volumeError('VOLUME_NOT_FOUND', `Cannot ${act} "${name}" as it must exist: no such volume`)
}

export function volumeRotten(name: string, act: VolumeAct, how = 'they have another, or their footer is damaged'): CodedError<VolumeErrorCode> {
  return volumeError('VOLUME_ROTTEN', `Cannot ${act} "${name}" as its bytes must have the sha256 they were stored with: ${how}`)
}

/** What the system calls behind a request refuse, and the code a client gets for it. */
const SYSTEM_ERRORS: Readonly<Record<string, readonly [RequestErrorCode, string]>> = {
  ENOSPC: ['VOLUME_DISK_FULL', 'the disk must have room'],
  EDQUOT: ['VOLUME_DISK_FULL', 'the quota must have room'],
  EFBIG: ['VOLUME_TOO_LARGE', 'the file system must take files of that size'],
  ENAMETOOLONG: ['VOLUME_NAME_INVALID', 'the file system must take names of that length'],
  EMFILE: ['VOLUME_BUSY', 'the worker must have a file descriptor free'],
  ENFILE: ['VOLUME_BUSY', 'the host must have a file descriptor free'],
}

/**
 * Anything that was thrown while serving `act`, as an error with a status.
 * What nobody foresaw becomes VOLUME_FAILURE, whose message tells a client
 * nothing of paths and calls; they are in its cause, for the log.
 */
export function asRequestError(error: unknown, act: string): CodedError<RequestErrorCode> {
  if (isRequestError(error)) return error
  const systemCode = error instanceof Error && 'code' in error ? String(error.code) : ''
  const [code, rule] = SYSTEM_ERRORS[systemCode] ?? ['VOLUME_FAILURE', 'the worker must not fail']
  return new CodedError(code, `Cannot ${act} as ${rule}: ${systemCode || 'internal error'}`, { cause: error })
}

function isRequestError(error: unknown): error is CodedError<RequestErrorCode> {
  return error instanceof CodedError && Object.hasOwn(STATUS_OF, String(error.code))
}
