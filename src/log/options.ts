import type { OptionGroups } from '../base/option.js'
import { LOG_FORMATS, type LogFormat } from './format.js'
import { LOG_LEVELS, type LogLevel } from './level.js'

/** How launcher and workers log. */
export const logOptions = {
  log: {
    level: { type: 'string', choices: LOG_LEVELS, default: 'info', mutable: true, help: 'Records of this level and of graver ones are written.' },
    format: { type: 'string', choices: LOG_FORMATS, default: 'auto', help: 'text: a line with time, level, service[workerId], pid, message and key=value; the stack of an error follows in lines of the same beginning. json: one object a line. journald: as text, without the time and with a syslog priority such as <6> first, one line a record. auto: journald where the log goes to the journal ($JOURNAL_STREAM), else text.' },
    file: { type: 'string', sampleDefault: 'none: standard error', help: 'Append to this file instead of writing to standard error. SIGUSR1 to the launcher makes it and its workers open the file again, as after logrotate has moved it.' },
    buffer_size: { type: 'size', defaultBytes: 2 ** 20, minBytes: 4_096, help: 'How much of its own log the launcher keeps for a reader that stalls; what does not fit is dropped and counted. Workers wait for the reader instead.' },
  },
} as const satisfies OptionGroups

/** The values of `logOptions`, as `createLogger()` takes them. */
export interface LoggerSettings {
  readonly level: LogLevel
  readonly format: LogFormat
  readonly file: string | undefined
  readonly bufferSizeBytes: number | undefined
}

/** `group` are the values of the group `log`; where one is missing, its default. */
export function loggerOptions({ level, format, file, bufferSizeBytes }: Readonly<Record<string, unknown>>): LoggerSettings {
  return {
    level: LOG_LEVELS.find((known) => known === level) ?? logOptions.log.level.default,
    format: LOG_FORMATS.find((known) => known === format) ?? logOptions.log.format.default,
    file: typeof file === 'string' && file !== '' ? file : undefined,
    bufferSizeBytes: typeof bufferSizeBytes === 'number' ? bufferSizeBytes : undefined,
  }
}
