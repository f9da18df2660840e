import { CodedError } from '../base/errors.js'
import { optionName } from './names.js'

/** Every code that a configuration may fail with. The first three are the user's to mend: exit 3. */
export const CONFIG_ERROR_CODES = [
  /** Values break their options' rules, or options are not known. `details.problems`: `ConfigProblem[]`. */
  'CONFIG_INVALID',
  /** A file is not what its format asks for. `details`: `{ path, problems: SyntaxProblem[] }`. */
  'CONFIG_SYNTAX',
  /** A file or directory that was named cannot be read. `details`: `{ path, reason }`. */
  'CONFIG_UNREADABLE',
  /** A program asks for a group that is not declared. `details`: `{ group }`. */
  'CONFIG_UNKNOWN_GROUP',
  /** A program asks for an option that is not declared. `details`: `{ group, key }`. */
  'CONFIG_UNKNOWN_OPTION',
  /** Two parts of the program declare the same option. `details`: `{ group, key }`. */
  'CONFIG_DUPLICATE_OPTION',
] as const

export type ConfigErrorCode = (typeof CONFIG_ERROR_CODES)[number]

/** One thing that is wrong with a configuration. Plain data; secrets are masked. */
export interface ConfigProblem {
  /** `reeve.conf:3`, `$REEVE_WORKERS`, `--workers` or `default`. */
  readonly where: string
  /** Absent for a variable that names no option. */
  readonly group?: string
  readonly key?: string
  /** Goes on from the name: `must be an integer of at least 1`, `is not an option`. */
  readonly rule: string
  /** As JSON, cut where long, `***` for a secret. Absent where the option is not known, for it might be a secret. */
  readonly value?: string
}

/** One thing that is wrong with a file's text. The text itself is not quoted, for it might be a secret. */
export interface SyntaxProblem {
  readonly line?: number
  readonly rule: string
}

/** What stands for a secret wherever it would be shown. */
export const MASK = '***'

/** All problems in one error, a line each. */
export function invalidConfig(problems: readonly ConfigProblem[]): CodedError<ConfigErrorCode> {
  const lines = problems.map((problem) => `\n  ${problemText(problem)}`)
  return new CodedError('CONFIG_INVALID', `Cannot use the configuration as each value must obey its rule:${lines.join('')}`, {
    details: { problems },
  })
}

/** `reeve.conf:3: [DEFAULT] workers must be an integer of at least 1: "0"` */
export function problemText({ where, group, key, rule, value }: ConfigProblem): string {
  const subject = group === undefined || key === undefined ? '' : `${optionName(group, key)} `
  return `${where}: ${subject}${rule}${value === undefined ? '' : `: ${value}`}`
}

export function badSyntax(path: string, format: string, problems: readonly SyntaxProblem[]): CodedError<ConfigErrorCode> {
  const lines = problems.map(({ line, rule }) => `\n  ${line === undefined ? path : `${path}:${line}`}: ${rule}`)
  return new CodedError('CONFIG_SYNTAX', `Cannot read the configuration file "${path}" as ${format}:${lines.join('')}`, {
    details: { path, problems },
  })
}

export function unreadable(path: string, cause: unknown): CodedError<ConfigErrorCode> {
  const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
  return new CodedError('CONFIG_UNREADABLE', `Cannot read the configuration "${path}" as it was asked for by name: ${reason}`, {
    cause, details: { path, reason },
  })
}
