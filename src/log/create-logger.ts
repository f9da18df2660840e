import { contextFields } from './context.js'
import { DeferredEmit, type Emit } from './deferred-emit.js'
import { addFields, isError, thrown, type LogFields } from './fields.js'
import { formatterOf, isJournal, LOG_FORMATS, type FormatRecord, type LogFormat, type LogRecord } from './format.js'
import { levelsUpTo, type EnabledLevels, type LogLevel } from './level.js'
import type { Logger } from './logger.js'
import type { LogTarget } from './output.js'
import { RingTransport } from './ring-transport.js'
import { SyncTransport } from './sync-transport.js'
import type { LogTransport } from './transport.js'
import { connectWinston } from './winston.js'

export interface CreateLoggerOptions {
  /** Default `info`. */
  readonly level?: LogLevel
  /** Default `auto`: `journald` where `fd` is the journal's, else `text`. */
  readonly format?: LogFormat
  /** A file that is appended to, and created with mode 0640. Default: none; `fd` is written to. */
  readonly file?: string | undefined
  /** Default 2, stderr. */
  readonly fd?: number
  /** Every record carries these; `service`, `workerId` and `pid` begin a line of text. */
  readonly fields?: LogFields
  /**
   * `sync` loses nothing and waits for a slow reader; `ring` never waits, and drops
   * and counts what does not fit. Default `sync`.
   */
  readonly transport?: 'sync' | 'ring'
  /** Of the ring, in bytes. Default 1 MiB. */
  readonly bufferSizeBytes?: number
}

/** The logger that owns the transport. Its children write through it. */
export interface RootLogger extends Logger {
  /** Lines that were not written: dropped by a full ring, or refused by a full disk. */
  readonly lost: number
  /** Opens the log file by its name again, as after logrotate has moved it. */
  reopen(): void
  /** For this logger and all its children, at once. @throws RangeError */
  setLevel(level: LogLevel): void
  /** Resolves when all is written, or when `deadlineMs` (from now) has passed. */
  flush(deadlineMs: number): Promise<void>
  /** Closes the file. What is logged afterwards is lost. */
  close(): void
}

/**
 * Makes the logger of a process. winston is loaded by its first record; with the
 * ring, a little later.
 *
 * @throws LOG_FILE_NOT_OPENED; RangeError for an unknown level or format
 */
export function createLogger(options: CreateLoggerOptions = {}): RootLogger {
  return new TransportLogger(options)
}

/** Decides by a boolean, gathers the fields, and hands a record on. */
class FieldLogger implements Logger {
  readonly #enabled: EnabledLevels
  readonly #fields: LogFields
  readonly #emit: Emit

  /** `enabled` is shared with the parent and the children: who changes it, changes it for all. */
  constructor(enabled: EnabledLevels, fields: LogFields, emit: Emit) {
    this.#enabled = enabled
    this.#fields = fields
    this.#emit = emit
  }

  error(message: string, fields?: LogFields | Error): void {
    if (this.#enabled.error) this.#write('error', message, fields)
  }

  warn(message: string, fields?: LogFields | Error): void {
    if (this.#enabled.warn) this.#write('warn', message, fields)
  }

  info(message: string, fields?: LogFields | Error): void {
    if (this.#enabled.info) this.#write('info', message, fields)
  }

  debug(message: string, fields?: LogFields | Error): void {
    if (this.#enabled.debug) this.#write('debug', message, fields)
  }

  trace(message: string, fields?: LogFields | Error): void {
    if (this.#enabled.trace) this.#write('trace', message, fields)
  }

  child(fields: LogFields): Logger {
    const merged = { ...this.#fields }
    addFields(merged, fields)
    return new FieldLogger(this.#enabled, merged, this.#emit)
  }

  isEnabled(level: LogLevel): boolean {
    return this.#enabled[level]
  }

  /** `message` is unknown here, as JavaScript's callers do write `log.error(error)`. */
  #write(level: LogLevel, message: unknown, fields: LogFields | Error | undefined): void {
    const merged = { ...this.#fields, ...contextFields() }
    if (isError(message)) addFields(merged, message)
    if (fields !== undefined) addFields(merged, fields)
    this.#emit({ level, timeMs: Date.now(), message: textOf(message), fields: merged })
  }
}

class TransportLogger extends FieldLogger implements RootLogger {
  readonly #enabled: EnabledLevels
  readonly #transport: LogTransport
  readonly #deferred: DeferredEmit

  constructor(options: CreateLoggerOptions) {
    const enabled = levelsUpTo(options.level ?? 'info')
    const identity: Record<string, unknown> = {}
    addFields(identity, options.fields ?? {})
    const format = safeFormatter(resolveFormat(options), identity)
    const transport = openTransport(options, (lines) => format(dropRecord(lines, identity)))
    const deferred = new DeferredEmit(() => connectWinston(format, (line) => transport.write(line)))
    const isSync = options.transport !== 'ring'
    super(enabled, identity, (record) => {
      deferred.add(record)
      if (isSync) deferred.now()
    })
    this.#enabled = enabled
    this.#transport = transport
    this.#deferred = deferred
  }

  get lost(): number {
    return this.#transport.lost
  }

  reopen(): void {
    this.#transport.reopen()
  }

  setLevel(level: LogLevel): void {
    Object.assign(this.#enabled, levelsUpTo(level))
  }

  flush(deadlineMs: number): Promise<void> {
    this.#deferred.now()
    return this.#transport.flush(deadlineMs)
  }

  close(): void {
    this.#deferred.now()
    this.#transport.close()
  }
}

const STDERR = 2

function openTransport({ file, fd = STDERR, transport = 'sync', bufferSizeBytes }: CreateLoggerOptions, describeDrop: (lines: number) => string): LogTransport {
  const target: LogTarget = file === undefined ? { fd } : { file }
  return transport === 'sync' ? new SyncTransport(target) : new RingTransport(target, { sizeBytes: bufferSizeBytes, describeDrop })
}

function resolveFormat({ format = 'auto', file, fd = STDERR }: CreateLoggerOptions): Exclude<LogFormat, 'auto'> {
  if (!LOG_FORMATS.includes(format)) throw new RangeError(`Cannot set the log format as it must be one of ${LOG_FORMATS.join(', ')}: ${format}`)
  if (format !== 'auto') return format
  return file === undefined && isJournal(fd) ? 'journald' : 'text'
}

function dropRecord(lines: number, fields: LogFields): LogRecord {
  const message = `${lines} log lines were dropped here, as the reader of the log was too slow or gone`
  return { level: 'warn', timeMs: Date.now(), message, fields: { ...fields, event: 'log.dropped', lines } }
}

/** The last resort for a value that defeats the formats: a record without its fields is better than none. */
function safeFormatter(format: Exclude<LogFormat, 'auto'>, identity: LogFields): FormatRecord {
  const formatRecord = formatterOf(format, identity)
  return (record) => {
    try {
      return formatRecord(record)
    } catch (error) {
      return formatRecord({ ...record, fields: { ...identity, unwritable: thrown(error) } })
    }
  }
}

function textOf(message: unknown): string {
  if (typeof message === 'string') return message
  try {
    return isError(message) ? message.message : String(message)
  } catch (error) {
    return thrown(error)
  }
}
