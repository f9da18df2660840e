import { fstatSync } from 'node:fs'
import { factsOf, stackWithCauses } from './describe-error.js'
import { encodeJson } from './encode.js'
import { isError, valueOf, type LogFields } from './fields.js'
import type { LogLevel } from './level.js'

/**
 * How a record becomes text.
 *
 * - `text`: `2026-01-31T09:30:00.000Z INFO  volume[0] 4711 message key=value`. Newlines and other
 *   control characters are escaped; only the stack of an error goes on in lines of its own, each
 *   with the same beginning, so that a search for a process or a moment finds all of it.
 * - `json`: one object a line: `time`, `level`, `message`, then the fields.
 * - `journald`: as `text`, without the time, which the journal has, and after a syslog
 *   priority, `<6>`, which it takes off. One line a record, its stack escaped.
 *   Text and not JSON, as the journal's reader is a person.
 * - `auto`: `journald` where the descriptor is the journal's, else `text`.
 */
export const LOG_FORMATS = ['auto', 'text', 'json', 'journald'] as const

export type LogFormat = (typeof LOG_FORMATS)[number]

/** A record, before it is text. */
export interface LogRecord {
  readonly level: LogLevel
  /** Wall clock, in ms since 1970. */
  readonly timeMs: number
  readonly message: string
  readonly fields: LogFields
}

export type FormatRecord = (record: LogRecord) => string

/** `identity` are the fields that every record carries: `service`, `workerId` and `pid` begin a line of text. */
export function formatterOf(format: Exclude<LogFormat, 'auto'>, identity: LogFields): FormatRecord {
  switch (format) {
    case 'json': return formatJson
    case 'text': return textFormatter(identity)
    case 'journald': return journaldFormatter(identity)
  }
}

/** True when `fd` leads to the journal: `$JOURNAL_STREAM` is its device and inode. See systemd.exec(5). */
export function isJournal(fd: number, environment: NodeJS.ProcessEnv = process.env): boolean {
  const stream = environment['JOURNAL_STREAM']
  if (!stream) return false
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true })
    return stream === `${dev}:${ino}`
  } catch {
    return false
  }
}

function formatJson({ level, timeMs, message, fields }: LogRecord): string {
  let line = `{"time":"${isoTime(timeMs)}","level":"${level}","message":${JSON.stringify(message)}`
  for (const name of Object.keys(fields)) line += `,${JSON.stringify(name)}:${encodeJson(fields[name])}`
  return `${line}}`
}

function textFormatter(identity: LogFields): FormatRecord {
  const origin = originOf(identity)
  return (record) => {
    const beginning = `${isoTime(record.timeMs)} ${record.level.toUpperCase().padEnd(5)} ${origin}`
    const lines = [`${beginning}${escapeControls(record.message)}${pairs(record.fields, identity)}`]
    for (const value of Object.values(record.fields)) {
      if (isError(value)) lines.push(...stackWithCauses(value).split('\n').map((line) => `${beginning}  ${escapeControls(line)}`))
    }
    return lines.join('\n')
  }
}

/** syslog(3). trace has no number of its own. */
const PRIORITY: Readonly<Record<LogLevel, number>> = { error: 3, warn: 4, info: 6, debug: 7, trace: 7 }

function journaldFormatter(identity: LogFields): FormatRecord {
  const origin = originOf(identity)
  return ({ level, message, fields }) => {
    const stacks = Object.entries(fields).filter(([, value]) => isError(value))
    const stackPairs = stacks.map(([name, value]) => pair(`${name}.stack`, stackWithCauses(value as Error))).join('')
    return `<${PRIORITY[level]}>${level.toUpperCase().padEnd(5)} ${origin}${escapeControls(message)}${pairs(fields, identity)}${stackPairs}`
  }
}

/** `volume[0] 4711 `; what is not known is left out. */
function originOf({ service, workerId, pid }: LogFields): string {
  const slot = workerId === undefined ? '' : `[${encodeText(workerId)}]`
  const who = service === undefined ? slot : `${encodeText(service)}${slot}`
  return [who, pid === undefined ? '' : encodeText(pid)].map((part) => (part === '' ? '' : `${part} `)).join('')
}

/** ` key=value` for each field that the line's beginning does not show already. */
function pairs(fields: LogFields, identity: LogFields): string {
  let text = ''
  for (const name of Object.keys(fields)) {
    const value = fields[name]
    const shown = (name === 'service' || name === 'workerId' || name === 'pid') && value === identity[name]
    if (shown) continue
    text += isError(value) ? errorPairs(name, value) : pair(name, value)
  }
  return text
}

function errorPairs(name: string, error: Error): string {
  const facts = Object.entries(factsOf(error)).map(([fact, value]) => pair(`${name}.${fact}`, value))
  return pair(name, valueOf(error, 'message')) + facts.join('')
}

function pair(name: string, value: unknown): string {
  return ` ${encodeText(name)}=${encodeText(value)}`
}

/** Bare where nobody can misread it: not empty, no space, quote, equals sign or control character. */
const BARE = /^[^\s"'=\\\p{Cc}\p{Cf}]+$/u

function encodeText(value: unknown): string {
  if (typeof value === 'string') return BARE.test(value) ? value : escapeControls(JSON.stringify(value))
  return escapeControls(typeof value === 'bigint' ? String(value) : encodeJson(value))
}

const CONTROLS = /[\p{Cc}\u2028\u2029]/u
const ALL_CONTROLS = /[\p{Cc}\u2028\u2029]/gu
const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** So that no message can begin a second line, nor command the terminal of its reader. */
function escapeControls(text: string): string {
  if (!CONTROLS.test(text)) return text
  return text.replace(ALL_CONTROLS, (char) => SHORT_ESCAPES[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
