import { closeSync, openSync, writeSync } from 'node:fs'
import { codeOf, messageOf } from '../base/errors.js'
import { LogError } from './errors.js'

/** Where lines go: a descriptor that is open already, or a file that is appended to. */
export type LogTarget = { readonly fd: number } | { readonly file: string }

const MODE = 0o640
const STDERR = 2

/**
 * The open end of a log. Counts what could not be written, and says so on stderr
 * once, not for every line: a full disk must not become a full journal.
 */
export class LogOutput {
  readonly #file: string | undefined
  #fd: number
  #lost = 0
  #failureTold = false

  /** @throws LOG_FILE_NOT_OPENED */
  constructor(target: LogTarget) {
    this.#file = 'file' in target ? target.file : undefined
    this.#fd = 'file' in target ? openFile(target.file) : target.fd
  }

  get fd(): number {
    return this.#fd
  }

  /** Lines that could not be written. */
  get lost(): number {
    return this.#lost
  }

  /** Opens the file by its name again, as after logrotate has moved it. Goes on with the old one if that fails. */
  reopen(): void {
    if (this.#file === undefined) return
    try {
      const fd = openFile(this.#file)
      closeSync(this.#fd)
      this.#fd = fd
      this.#failureTold = false
    } catch (error) {
      tell(messageOf(error))
    }
  }

  /** Tells of a failed write. A reader that has gone (EPIPE) is nobody's fault, and is not told of. */
  failed(error: unknown): void {
    if (this.#file === undefined || this.#failureTold || codeOf(error) === 'EPIPE') return
    this.#failureTold = true
    tell(`Cannot write the log "${this.#file}" as a write failed; lines are lost until one succeeds: ${messageOf(error)}`)
  }

  /** A later failure is news again. */
  succeeded(): void {
    this.#failureTold = false
  }

  /** Counts lines that will not be written. */
  lose(lines: number): void {
    this.#lost += lines
  }

  /** Closes a file; a descriptor is its owner's. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#fd)
  }
}

function openFile(file: string): number {
  try {
    return openSync(file, 'a', MODE)
  } catch (cause) {
    throw new LogError('LOG_FILE_NOT_OPENED', `Cannot open the log "${file}" as it cannot be appended to: ${messageOf(cause)}`, { cause, details: { file } })
  }
}

function tell(message: string): void {
  try {
    writeSync(STDERR, `${message}\n`)
  } catch {
    // Nobody is left who could be told.
  }
}
