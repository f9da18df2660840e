import type { LogFields } from './fields.js'
import type { LogLevel } from './level.js'

/**
 * Writes records: a message and fields.
 *
 * An `Error`, as the second argument or as the value of any field, is written
 * whole: code, message, stack, details and causes. Nothing that is logged can make
 * a method throw: not a circular object, not a bigint, not a getter that throws.
 * A level that is not enabled costs a few nanoseconds; guard with `isEnabled()`
 * only what is costly to prepare.
 */
export interface Logger {
  error(message: string, fields?: LogFields | Error): void
  warn(message: string, fields?: LogFields | Error): void
  info(message: string, fields?: LogFields | Error): void
  debug(message: string, fields?: LogFields | Error): void
  trace(message: string, fields?: LogFields | Error): void
  /** A logger whose records carry `fields` too. They are copied now; where names meet, those of the record win. */
  child(fields: LogFields): Logger
  isEnabled(level: LogLevel): boolean
}
