import { writeSync } from 'node:fs'
import { codeOf } from '../base/errors.js'
import { LogOutput, type LogTarget } from './output.js'
import type { LogTransport } from './transport.js'

/**
 * Writes each line before it returns, so that no line is lost by `process.exit()`,
 * by a throw or by SIGKILL. A stream would keep lines in the process: of 5,000 to a
 * slow reader, `process.exit()` lets some hundred arrive.
 *
 * The price is that a reader who stalls, stalls the process. EAGAIN, which comes
 * when any process that shares the descriptor has made it non-blocking (Node does,
 * when `process.stderr` is touched), is waited out in steps of 1 ms, without spinning.
 */
export class SyncTransport implements LogTransport {
  readonly #output: LogOutput
  /** The last line broke off: the next begins on a line of its own. */
  #torn = false
  #closed = false

  /** @throws LOG_FILE_NOT_OPENED */
  constructor(target: LogTarget) {
    this.#output = new LogOutput(target)
  }

  get lost(): number {
    return this.#output.lost
  }

  write(line: string): void {
    if (this.#closed) return this.#output.lose(1)
    const bytes = Buffer.from(this.#torn ? `\n${line}\n` : `${line}\n`)
    let written = 0
    try {
      while (written < bytes.length) written += this.#writeSome(bytes, written)
      this.#torn = false
      this.#output.succeeded()
    } catch (error) {
      this.#torn ||= written > 0
      this.#output.lose(1)
      this.#output.failed(error)
    }
  }

  reopen(): void {
    if (!this.#closed) this.#output.reopen()
  }

  async flush(): Promise<void> {
    // Nothing is ever kept.
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#output.close()
  }

  #writeSome(bytes: Buffer, from: number): number {
    try {
      return writeSync(this.#output.fd, bytes, from)
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') throw error
      Atomics.wait(NEVER, 0, 0, RETRY_MS)
      return 0
    }
  }
}

const RETRY_MS = 1

/** Nobody wakes a waiter here: the wait always ends by its time. */
const NEVER = new Int32Array(new SharedArrayBuffer(4))
