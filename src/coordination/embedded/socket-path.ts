import { lstatSync } from 'node:fs'
import { CodedError } from '../../base/errors.js'

/** sun_path of unix(7), less its end mark, and less what `newSocketPath` puts behind it. A longer path would be cut off in silence. */
const MAX_PATH_BYTES = (process.platform === 'linux' ? 107 : 103) - 8

/** @throws CodedError COORDINATION_URL_INVALID */
export function checkSocketPath(path: string): void {
  const sizeBytes = Buffer.byteLength(path)
  if (sizeBytes <= MAX_PATH_BYTES) return
  throw new CodedError('COORDINATION_URL_INVALID', `Cannot share a store at "${path}" as the path has at most ${MAX_PATH_BYTES} bytes: ${sizeBytes}`)
}

/** Tells a socket file from a later one with the same path or inode number: not changed by link(2), rename(2) and chmod(2). */
export function socketIdentity(path: string): string | undefined {
  const facts = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return facts && `${facts.isSocket() ? 'socket' : 'other'} ${facts.dev} ${facts.ino} ${facts.mtimeNs}`
}
