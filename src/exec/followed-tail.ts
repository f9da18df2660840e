import { copyInto, type ByteSink } from './byte-sink.js'
import { ChunkQueue } from './chunk-queue.js'
import { KeptOutput } from './kept-output.js'

const STDERR_TAIL_BYTES = 2 ** 16

/** Keeps the tail, and, once someone follows, waits for him. */
export class FollowedTail implements ByteSink {
  readonly #tail: KeptOutput
  readonly #queue: ChunkQueue
  #space: Buffer = Buffer.alloc(0)
  #isFollowed = false

  constructor(readBytes: number, onWanted: () => void) {
    this.#tail = new KeptOutput(STDERR_TAIL_BYTES, readBytes)
    this.#queue = new ChunkQueue(readBytes, onWanted)
  }

  get droppedBytes(): number {
    return this.#tail.droppedBytes
  }

  space(): Buffer {
    this.#space = this.#tail.space()
    return this.#space
  }

  fill(length: number): boolean {
    const filled = this.#space.subarray(0, length)
    this.#tail.fill(length)
    // A copy: the memory of the tail will be written over.
    return !this.#isFollowed || copyInto(this.#queue, filled)
  }

  follow(): ChunkQueue {
    this.#isFollowed = true
    return this.#queue
  }

  tail(): string {
    return this.#tail.bytes().toString('utf8')
  }

  end(): void {
    this.#queue.end()
  }
}
