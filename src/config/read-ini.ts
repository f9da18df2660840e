import type { SyntaxProblem } from './errors.js'
import { DEFAULT_GROUP } from './names.js'

/**
 * INI in the manner of oslo.config:
 *
 *     # a comment, as is a line that begins with ;
 *     workers = 4
 *     [log]
 *     level: debug
 *     targets = first,
 *         an indented line goes on with the value, after a line's end
 *     motto = "  one pair of quotes round the whole value is taken off  "
 *
 * A comment begins where its line begins and nowhere else, so that a value may
 * hold `#` and `;`, as URLs and passwords do. A blank line or a comment ends a
 * value. What is none of these is an error with its line, and all errors are
 * found at once. The `ini` package was left: it cuts values at `;` and `#`, takes
 * junk for a switch, and tells no lines.
 */
export function readIni(text: string): IniFile {
  const drafts: Draft[] = []
  const problems: SyntaxProblem[] = []
  let group = DEFAULT_GROUP
  let current: Draft | undefined
  for (const [index, whole] of text.split(/\r?\n/).entries()) {
    const line = index + 1
    const parsed = parseLine(whole.trimEnd(), current !== undefined)
    if (parsed.kind === 'continuation') {
      current?.lines.push(parsed.text)
      continue
    }
    if (parsed.kind === 'group') group = parsed.name
    if (parsed.kind === 'junk') problems.push({ line, rule: parsed.rule })
    current = parsed.kind === 'assignment' ? { group, key: parsed.key, lines: [parsed.value], line } : undefined
    if (current) drafts.push(current)
  }
  return { entries: drafts.map(finish), problems }
}

export interface IniFile {
  readonly entries: readonly IniEntry[]
  readonly problems: readonly SyntaxProblem[]
}

export interface IniEntry {
  readonly group: string
  readonly key: string
  readonly value: string
  /** From 1: where the key stands. */
  readonly line: number
}

/**
 * `value` as it stands after `key = `, so that `readIni` gives it back; undefined
 * for what INI cannot hold: several lines of which one is blank or has blanks at its ends.
 */
export function iniText(value: string): string | undefined {
  const lines = value.split('\n')
  if (lines.length === 1) return value === value.trim() && unquote(value) === value ? value : `"${value}"`
  const plain = lines.every((line, index) => line === line.trim() && (line !== '' || index === 0))
  return plain ? lines.join('\n    ') : undefined
}

interface Draft extends Omit<IniEntry, 'value'> {
  readonly lines: string[]
}

type Line =
  | { readonly kind: 'blank' }
  | { readonly kind: 'continuation', readonly text: string }
  | { readonly kind: 'group', readonly name: string }
  | { readonly kind: 'assignment', readonly key: string, readonly value: string }
  | { readonly kind: 'junk', readonly rule: string }

function parseLine(line: string, inValue: boolean): Line {
  if (line === '' || /^[#;]/.test(line)) return { kind: 'blank' }
  if (/^\s/.test(line)) {
    return inValue ? { kind: 'continuation', text: line.trim() } : { kind: 'junk', rule: 'an indented line must go on with a value' }
  }
  if (line.startsWith('[')) return parseGroup(line)
  const split = line.search(/[=:]/)
  if (split === -1) return { kind: 'junk', rule: 'a line must be a comment, [group] or key = value' }
  const key = line.slice(0, split).trim()
  if (key === '') return { kind: 'junk', rule: 'a key must stand before the value' }
  return { kind: 'assignment', key, value: line.slice(split + 1).trim() }
}

function parseGroup(line: string): Line {
  const name = /^\[([^\]]*)\]$/.exec(line)?.[1]?.trim()
  if (name === undefined) return { kind: 'junk', rule: 'a group must end with ] and its line with it' }
  return name === '' ? { kind: 'junk', rule: 'a group must have a name' } : { kind: 'group', name }
}

function finish({ group, key, lines, line }: Draft): IniEntry {
  const value = lines.join('\n')
  return { group, key, value: lines.length === 1 ? unquote(value) : value, line }
}

function unquote(value: string): string {
  return /^(["']).*\1$/s.test(value) ? value.slice(1, -1) : value
}
