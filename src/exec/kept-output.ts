import { loadNative } from '../base/native.js'
import type { ByteSink } from './byte-sink.js'

const FIRST_BYTES = 2 ** 16
/**
 * Steep, for what is moved at each step costs a copy, and memory that was never
 * touched costs nothing: 200 MB are 17 MB of copies, and one allocation of 256 MiB
 * of which 200 MB are in use.
 */
const GROWTH = 16
/**
 * From here on the kernel is asked for huge pages, for most of the time of a large
 * output goes into page faults: 200 MB take a third of the CPU time. The first time
 * that a process asks, the kernel may have to make them, and nothing is won.
 */
const HUGE_BYTES = 2 ** 23

/**
 * The last `maxBytes` of an output, in one piece of memory that the kernel writes
 * into: it grows until it holds so much, and from there on is a ring. It is never a
 * small ring, which would mean small reads.
 *
 * A list of chunks that is joined at the end takes twice the memory and, at 200 MB,
 * twice the time.
 */
export class KeptOutput implements ByteSink {
  readonly #maxBytes: number
  readonly #capacityBytes: number
  readonly #readBytes: number
  #memory: Buffer
  #at = 0
  #total = 0

  constructor(maxBytes: number, readBytes: number) {
    this.#maxBytes = maxBytes
    this.#capacityBytes = Math.max(FIRST_BYTES, maxBytes)
    this.#readBytes = readBytes
    this.#memory = Buffer.allocUnsafeSlow(FIRST_BYTES)
  }

  /** Bytes that are missing at the front. */
  get droppedBytes(): number {
    return Math.max(0, this.#total - this.#maxBytes)
  }

  space(): Buffer {
    if (this.#at === this.#memory.length) this.#makeRoom()
    return this.#memory.subarray(this.#at, this.#at + this.#readBytes)
  }

  fill(length: number): boolean {
    this.#at += length
    this.#total += length
    return true
  }

  /** What is kept, in its order. Of no more than twice its size is the memory behind it. */
  bytes(): Buffer {
    const newest = this.#memory.subarray(0, this.#at).subarray(-this.#maxBytes)
    const missingBytes = Math.min(this.#total, this.#maxBytes) - newest.length
    if (missingBytes > 0) return Buffer.concat([this.#memory.subarray(this.#memory.length - missingBytes), newest])
    return newest.length * 2 < this.#memory.length ? Buffer.from(newest) : newest
  }

  #makeRoom(): void {
    const { length } = this.#memory
    if (length === this.#capacityBytes) this.#at = 0
    else this.#memory = moved(this.#memory, Math.min(length * GROWTH, this.#capacityBytes))
  }
}

function moved(bytes: Buffer, sizeBytes: number): Buffer {
  const memory = Buffer.allocUnsafeSlow(sizeBytes)
  if (sizeBytes >= HUGE_BYTES) loadNative()?.adviseHugePages(memory)
  memory.set(bytes)
  return memory
}
