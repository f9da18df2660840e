/**
 * Where the bytes of a pipe go. The reader asks for memory, lets the kernel write
 * there, and tells how much of it was filled: nothing is copied on the way.
 */
export interface ByteSink {
  /** Memory for the next read: its length, at least 1, is the most that one read brings. */
  space(): Buffer
  /** The first `length` bytes of the last space were filled. False: no more for now; `PipeReader.resume()` goes on. */
  fill(length: number): boolean
}

/** Bytes that nobody keeps: each read lands in the same memory, which `onChunk` sees during the call only. */
export class PassingSink implements ByteSink {
  readonly #memory: Buffer
  readonly #onChunk: (chunk: Buffer) => void

  constructor(readBytes: number, onChunk: (chunk: Buffer) => void) {
    this.#memory = Buffer.allocUnsafeSlow(readBytes)
    this.#onChunk = onChunk
  }

  space(): Buffer {
    return this.#memory
  }

  fill(length: number): boolean {
    this.#onChunk(this.#memory.subarray(0, length))
    return true
  }
}

/** All of `bytes`, for what has been read cannot be put back; false when the sink wants no more. */
export function copyInto(sink: ByteSink, bytes: Buffer): boolean {
  let goesOn = true
  for (let at = 0; at < bytes.length;) {
    const length = bytes.copy(sink.space(), 0, at)
    at += length
    goesOn = sink.fill(length)
  }
  return goesOn
}
