import { createHash } from 'node:crypto'
import { constants, open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { readSummary } from './volume-file.js'
import type { Summary } from './volume-file.js'

/**
 * The mark of rot: the sticky bit, which means nothing else on a file. It sits on
 * the very bytes that are rotten: every worker sees it as it opens them, it
 * survives a restart, and it goes with them when a new upload takes the name.
 * A list of names kept beside them would need all that done by hand.
 */
const ROT_MARK = 0o1000

const CHUNK_BYTES = 256 * 1024

/** A volume that is open for reading. It stays what it was, whatever happens to its name. */
export class OpenVolume {
  readonly entry: VolumeEntry
  /** Undefined when the footer is damaged. */
  readonly summary: Summary | undefined
  readonly #file: FileHandle
  readonly #mode: number

  private constructor(entry: VolumeEntry, summary: Summary | undefined, file: FileHandle, mode: number) {
    this.entry = entry
    this.summary = summary
    this.#file = file
    this.#mode = mode
  }

  /** Undefined when there is no file at `path`. */
  static async open(name: string, path: string): Promise<OpenVolume | undefined> {
    const file = await openFile(path)
    if (file === undefined) return undefined
    try {
      const stats = await file.stat()
      if (stats.isFile()) {
        const summary = await readSummary(file, stats.size)
        const rotten = summary === undefined || (stats.mode & ROT_MARK) !== 0
        const entry = { name, sizeBytes: summary?.sizeBytes ?? stats.size, sha256: summary?.sha256 ?? null, rotten }
        return new OpenVolume(entry, summary, file, stats.mode)
      }
    } catch (error) {
      await file.close()
      throw error
    }
    await file.close()
    return undefined
  }

  /** This very file, for a program of this user, while it is open here: whatever has become of its name. On Linux only. */
  get descriptorPath(): string {
    return `/proc/${process.pid}/fd/${this.#file.fd}`
  }

  /** The bytes from `start` to `end`, both included; closes the file at its end, and when it is destroyed. */
  stream({ start, end }: ByteSpan): Readable {
    if (start > end) return Readable.from([])
    return this.#file.createReadStream({ start, end, highWaterMark: CHUNK_BYTES })
  }

  /**
   * Reads the body back and compares it with its digest. A body that the disk
   * cannot read is rotten too. Rejects with the signal's reason.
   */
  async verify(signal: AbortSignal): Promise<Finding> {
    if (this.summary === undefined) return { rotten: true, reason: 'the footer is damaged' }
    try {
      const sha256 = await this.#digest(this.summary.sizeBytes, signal)
      if (sha256 === this.summary.sha256) return { rotten: false }
      return { rotten: true, reason: `the sha256 must be ${this.summary.sha256}: ${sha256}` }
    } catch (error) {
      signal.throwIfAborted()
      return { rotten: true, reason: `the disk must give it back: ${String(error)}` }
    }
  }

  /** Sets the mark of rot or takes it away, where it is not so already. */
  async mark(rotten: boolean): Promise<void> {
    const marked = (this.#mode & ROT_MARK) !== 0
    if (rotten !== marked) await this.#file.chmod((this.#mode ^ ROT_MARK) & 0o7777)
  }

  /** May be called more than once. */
  async close(): Promise<void> {
    await this.#file.close()
  }

  async #digest(sizeBytes: number, signal: AbortSignal): Promise<string> {
    const hash = createHash('sha256')
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
    for (let position = 0; position < sizeBytes;) {
      signal.throwIfAborted()
      const { bytesRead } = await this.#file.read(buffer, 0, Math.min(buffer.length, sizeBytes - position), position)
      if (bytesRead === 0) break
      hash.update(buffer.subarray(0, bytesRead))
      position += bytesRead
    }
    return hash.digest('hex')
  }
}

/** A line of the list. The digest is null when the footer is damaged; the size is then that of the file. */
export interface VolumeEntry {
  readonly name: string
  readonly sizeBytes: number
  readonly sha256: string | null
  readonly rotten: boolean
}

/** Offsets in the body, both included; `start > end` is the empty span. */
export interface ByteSpan {
  readonly start: number
  readonly end: number
}

export type Finding = { readonly rotten: false } | { readonly rotten: true; readonly reason: string }

/** Without waiting for a writer, should somebody have put a fifo there. */
async function openFile(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
