import type { LogRecord } from './format.js'

/** Hands a record on. */
export type Emit = (record: LogRecord) => void

/** How long the first records wait, in ms. */
const DELAY_MS = 250

/**
 * Keeps records until winston is loaded, and loads it a little after the first of
 * them: 20 ms in which a launcher would otherwise not fork its workers. An error
 * waits for nothing, nor does the end of the process. Each record keeps the time
 * at which it was made.
 */
export class DeferredEmit {
  readonly #connect: () => Emit
  #emit: Emit | undefined
  readonly #waiting: LogRecord[] = []
  #timer: NodeJS.Timeout | undefined
  readonly #atExit = (): void => this.now()

  constructor(connect: () => Emit) {
    this.#connect = connect
  }

  add(record: LogRecord): void {
    if (this.#emit) return this.#emit(record)
    this.#waiting.push(record)
    if (record.level === 'error') return this.now()
    if (this.#timer) return
    this.#timer = setTimeout(() => this.now(), DELAY_MS)
    process.once('exit', this.#atExit)
  }

  /** Everything that was kept goes on. */
  now(): void {
    clearTimeout(this.#timer)
    process.off('exit', this.#atExit)
    if (this.#waiting.length === 0) return
    this.#emit ??= this.#connect()
    for (const record of this.#waiting.splice(0)) this.#emit(record)
  }
}
