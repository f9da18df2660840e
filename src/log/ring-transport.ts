import { writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../base/clock.js'
import { codeOf } from '../base/errors.js'
import { openNonBlocking, type NonBlockingDescriptor } from './non-blocking.js'
import { LogOutput, type LogTarget } from './output.js'
import type { LogTransport } from './transport.js'

export interface RingTransportOptions {
  /** How much is kept for a reader who stalls, in bytes. Default 1 MiB. A single larger line is kept all the same. */
  readonly sizeBytes?: number
  /** The line that stands where `lines` lines were dropped. */
  readonly describeDrop: (lines: number) => string
}

/** A line that waits. */
interface Waiting {
  readonly sizeBytes: number
  /** How many dropped lines it tells of; 0: it is a line itself. */
  readonly tellsOf: number
  rest: Buffer
}

const DEFAULT_SIZE_BYTES = 2 ** 20
const FIRST_RETRY_MS = 1
const LAST_RETRY_MS = 50
const FLUSH_STEP_MS = 5

/**
 * For a process that must never wait for the reader of its log. A line is written
 * at once where the reader keeps up, so that a crash loses nothing then; else it
 * waits in a bounded buffer, and a timer tries again. Not `fs.write`: a stalled
 * pipe would hold a thread of the pool, and the exit of the process with it.
 *
 * When the buffer is full, new lines are dropped, not old ones, for the beginning
 * of a trouble tells more than its middle. They are dropped until half of the
 * buffer is free again; then one line says, in the place of the gap, how many.
 */
export class RingTransport implements LogTransport {
  readonly #output: LogOutput
  readonly #sizeBytes: number
  readonly #describeDrop: (lines: number) => string
  readonly #waiting: Waiting[] = []
  #descriptor: NonBlockingDescriptor
  #waitingBytes = 0
  /** Lines dropped since the last note of it. */
  #untold = 0
  /** The last line broke off: the next begins on a line of its own. */
  #torn = false
  #closed = false
  #retry: NodeJS.Timeout | undefined
  #retryMs = FIRST_RETRY_MS

  /** @throws LOG_FILE_NOT_OPENED; EBADF for a descriptor that is not open */
  constructor(target: LogTarget, { sizeBytes = DEFAULT_SIZE_BYTES, describeDrop }: RingTransportOptions) {
    this.#output = new LogOutput(target)
    this.#descriptor = openNonBlocking(this.#output.fd)
    this.#sizeBytes = sizeBytes
    this.#describeDrop = describeDrop
  }

  get lost(): number {
    return this.#output.lost
  }

  write(line: string): void {
    this.#add(line)
    if (this.#retry === undefined) this.#drain()
  }

  reopen(): void {
    if (this.#closed) return
    this.#drain()
    this.#descriptor.close()
    this.#output.reopen()
    this.#descriptor = openNonBlocking(this.#output.fd)
  }

  async flush(deadlineMs: number): Promise<void> {
    const end = systemClock.now() + deadlineMs
    for (this.#drain(); this.#waiting.length > 0; this.#drain()) {
      const leftMs = end - systemClock.now()
      if (leftMs <= 0) return
      await delay(Math.min(leftMs, FLUSH_STEP_MS))
    }
  }

  close(): void {
    if (this.#closed) return
    this.#drain()
    this.#closed = true
    this.#dropWaiting()
    this.#descriptor.close()
    this.#output.close()
  }

  #add(line: string): void {
    const bytes = Buffer.from(`${line}\n`)
    const hasRoom = this.#waiting.length === 0 || this.#waitingBytes + bytes.length <= this.#sizeBytes
    if (this.#closed || this.#untold > 0 || !hasRoom) this.#drop()
    else this.#push(bytes, 0)
  }

  #push(bytes: Buffer, tellsOf: number): void {
    this.#waiting.push({ sizeBytes: bytes.length, tellsOf, rest: bytes })
    this.#waitingBytes += bytes.length
  }

  #drop(): void {
    this.#untold++
    this.#output.lose(1)
  }

  /** Writes what can be written now, and tries again later if something is left. */
  #drain(): void {
    clearTimeout(this.#retry)
    this.#retry = undefined
    if (this.#closed) return
    try {
      do this.#tellOfDrops()
      while (this.#writeFirst())
    } catch (error) {
      if (codeOf(error) === 'EAGAIN') this.#retryLater()
      else this.#fail(error)
    }
  }

  /** Once half of the buffer is free. The note may exceed the buffer: it is short. */
  #tellOfDrops(): void {
    if (this.#untold === 0 || this.#waitingBytes > this.#sizeBytes / 2) return
    this.#push(Buffer.from(`${this.#describeDrop(this.#untold)}\n`), this.#untold)
    this.#untold = 0
  }

  /** False when nothing waits. */
  #writeFirst(): boolean {
    const first = this.#waiting[0]
    if (first === undefined) return false
    if (this.#torn) this.#torn = writeSync(this.#descriptor.fd, '\n') === 0
    const written = writeSync(this.#descriptor.fd, first.rest)
    first.rest = first.rest.subarray(written)
    this.#waitingBytes -= written
    this.#retryMs = FIRST_RETRY_MS
    if (first.rest.length === 0) this.#waiting.shift()
    this.#output.succeeded()
    return true
  }

  #retryLater(): void {
    this.#retry = setTimeout(() => this.#drain(), this.#retryMs).unref()
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS)
  }

  /** The reader is gone, or the disk is full: nothing of what waits can be written. */
  #fail(error: unknown): void {
    const first = this.#waiting[0]
    if (first !== undefined && first.rest.length < first.sizeBytes) this.#torn = true
    this.#output.failed(error)
    this.#dropWaiting()
  }

  #dropWaiting(): void {
    for (const { tellsOf } of this.#waiting.splice(0)) {
      if (tellsOf > 0) this.#untold += tellsOf
      else this.#drop()
    }
    this.#waitingBytes = 0
  }
}
