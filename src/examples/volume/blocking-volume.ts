import { createHash } from 'node:crypto'
import { closeSync, constants, copyFileSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import { decodeFooter, encodeFooter, FOOTER_BYTES } from './volume-file.js'

/**
 * Work on whole volumes by calls that block: it runs in threads, through
 * `reeve/tpool`, and never in the loop. Whoever calls it gives the path of a file.
 *
 * A clone is a file of its own that shares the blocks of its source where the file
 * system can (btrfs, XFS, ZFS), and costs nothing there; elsewhere it is a copy. To
 * flatten is to write a file's bytes over themselves, upon which such a file system
 * gives it blocks of its own. So nothing is ever put in the place of a published
 * file: an upload or a removal of that name by any process, at any moment, is kept,
 * and a kill leaves the bytes that were there.
 *
 * Rejected: a hard link as the clone, and a copy renamed over it to flatten it. A
 * name cannot be replaced only if it still means a certain file, so that rename
 * would now and then undo another worker's upload, or take a lock for all uploads.
 */

/** In one read and one write. */
const CHUNK_BYTES = 2 ** 20

/** What lies in a file, read anew. */
export interface ReadBack {
  /** Of the body; of the whole file when the footer is damaged. */
  readonly sizeBytes: number
  /** Of those bytes. */
  readonly sha256: string
  /** What the footer says; null when it is damaged. */
  readonly storedSha256: string | null
}

/** Copies a volume to the new file `to`, blocks shared where that can be; returns when the disk has it. */
export function copy(from: string, to: string): void {
  copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  withFile(to, constants.O_RDWR, fsyncSync)
}

/** Reads a volume as it is on the disk. */
export function checksum(path: string): ReadBack {
  return withFile(path, constants.O_RDONLY, (file) => readBack(file, () => undefined))
}

/**
 * Gives a volume blocks of its own, at no more than `bytesPerSecond` read and
 * written. Returns what it read; when that is not what was stored, nothing was
 * written. Only what has twice been read alike is written: an error of one read
 * does not get onto the disk.
 */
export function flatten(path: string, bytesPerSecond: number): ReadBack {
  return withFile(path, constants.O_RDWR, (file) => {
    const pace = paceOf(bytesPerSecond)
    const digests: string[] = []
    const found = readBack(file, (chunk) => {
      digests.push(digestOf(chunk))
      pace(chunk.length)
    })
    if (found.sha256 !== found.storedSha256) return found
    eachChunk(file, found.sizeBytes, (chunk, position) => {
      if (digestOf(chunk) !== digests[position / CHUNK_BYTES]) throw new Error(`Cannot flatten "${path}" as two reads must give the same: they differ from byte ${position} on`)
      writeAll(file, chunk, position)
      pace(2 * chunk.length)
    })
    writeAll(file, encodeFooter(found), found.sizeBytes)
    fsyncSync(file)
    return found
  })
}

function readBack(file: number, onChunk: (chunk: Buffer) => void): ReadBack {
  const fileBytes = fstatSync(file).size
  const footer = Buffer.alloc(Math.min(FOOTER_BYTES, fileBytes))
  const stored = decodeFooter(readAll(file, footer, fileBytes - footer.length), fileBytes)
  const sizeBytes = stored?.sizeBytes ?? fileBytes
  const whole = createHash('sha256')
  eachChunk(file, sizeBytes, (chunk) => {
    whole.update(chunk)
    onChunk(chunk)
  })
  return { sizeBytes, sha256: whole.digest('hex'), storedSha256: stored?.sha256 ?? null }
}

/** The first `sizeBytes`, fewer when the file ends before; all chunks but the last are of `CHUNK_BYTES`, and each is valid during the call. */
function eachChunk(file: number, sizeBytes: number, onChunk: (chunk: Buffer, position: number) => void): void {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  for (let position = 0; position < sizeBytes;) {
    const chunk = readAll(file, buffer.subarray(0, sizeBytes - position), position)
    if (chunk.length === 0) return
    onChunk(chunk, position)
    position += chunk.length
  }
}

function digestOf(chunk: Buffer): string {
  return createHash('sha256').update(chunk).digest('base64')
}

/** `buffer` filled, or as much of it as the file still has: one read may bring less. */
function readAll(file: number, buffer: Buffer, position: number): Buffer {
  let filled = 0
  for (let read = -1; read !== 0 && filled < buffer.length; filled += read) read = readSync(file, buffer, filled, buffer.length - filled, position + filled)
  return buffer.subarray(0, filled)
}

/** A write may take less than it is given. */
function writeAll(file: number, bytes: Buffer, position: number): void {
  for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written, bytes.length - written, position + written)
}

/** Sleeps, in the thread, as long as more than `bytesPerSecond` were moved since the first call. */
function paceOf(bytesPerSecond: number): (movedBytes: number) => void {
  const sleeper = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const begin = performance.now()
  let movedBytes = 0
  return (bytes) => {
    movedBytes += bytes
    const dueMs = (movedBytes / bytesPerSecond) * 1_000
    Atomics.wait(sleeper, 0, 0, Math.max(0, begin + dueMs - performance.now()))
  }
}

/** Without waiting for the other end, should somebody have put a fifo there. */
function withFile<T>(path: string, flags: number, work: (file: number) => T): T {
  const file = openSync(path, flags | constants.O_NONBLOCK)
  try {
    return work(file)
  } finally {
    closeSync(file)
  }
}
