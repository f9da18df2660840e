import type { ByteSink } from './byte-sink.js'

const BLOCK_BYTES = 2 ** 18
/** Less room than that is not worth a read. */
const LEAST_ROOM_BYTES = 2 ** 12

/**
 * Chunks of a pipe, in memory of their own, on their way to one consumer. When
 * `readBytes` of them wait it wants no more, so that the pipe fills up, and the
 * child waits.
 */
export class ChunkQueue implements ByteSink {
  readonly #readBytes: number
  readonly #onWanted: () => void
  readonly #chunks: Buffer[] = []
  #block: Buffer
  #used = 0
  #waitingBytes = 0
  #isEnded = false
  #wake: () => void = () => {}

  /** `onWanted` is called when it wants more again. */
  constructor(readBytes: number, onWanted: () => void) {
    this.#readBytes = readBytes
    this.#onWanted = onWanted
    this.#block = Buffer.alloc(0)
  }

  space(): Buffer {
    if (this.#block.length - this.#used < Math.min(LEAST_ROOM_BYTES, this.#readBytes)) {
      this.#block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, this.#readBytes))
      this.#used = 0
    }
    return this.#block.subarray(this.#used, this.#used + this.#readBytes)
  }

  fill(length: number): boolean {
    this.#chunks.push(this.#block.subarray(this.#used, this.#used + length))
    this.#used += length
    this.#waitingBytes += length
    this.#wake()
    return this.#waitingBytes < this.#readBytes
  }

  end(): void {
    this.#isEnded = true
    this.#wake()
  }

  /** The next chunk; undefined after the last. One call at a time. */
  async take(): Promise<Buffer | undefined> {
    while (this.#chunks.length === 0 && !this.#isEnded) await new Promise<void>((resolve) => { this.#wake = resolve })
    const chunk = this.#chunks.shift()
    this.#waitingBytes -= chunk?.length ?? 0
    if (this.#waitingBytes < this.#readBytes) this.#onWanted()
    return chunk
  }
}
