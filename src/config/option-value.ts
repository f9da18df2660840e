import type { OptionDefinition } from '../base/option.js'
import { formatDuration, formatSize, parseDuration, parseSize } from '../base/units.js'

/** A value in code: durations in ms, sizes in bytes; undefined where nothing was given and there is no default. */
export type OptionValue = string | number | boolean | readonly string[] | undefined

export type OptionType = OptionDefinition['type']

const SWITCHES: ReadonlyMap<string, boolean> = new Map([
  ['true', true], ['yes', true], ['on', true], ['1', true],
  ['false', false], ['no', false], ['off', false], ['0', false],
])

/** No sign `+`, no leading zeros: `0600` is somebody's octal. */
const INTEGER = /^(?:0|-?[1-9][0-9]*)$/
const DECIMAL = /^-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/

/** Reads the text of a file, a variable or a flag. Undefined when it is no value of this type: nothing is guessed. */
export function parseText(type: OptionType, text: string): OptionValue {
  const trimmed = text.trim()
  switch (type) {
    case 'string': return text
    case 'integer':
    case 'port': return INTEGER.test(trimmed) ? Number(trimmed) : undefined
    case 'number': return DECIMAL.test(trimmed) ? Number(trimmed) : undefined
    case 'boolean': return SWITCHES.get(trimmed.toLowerCase())
    case 'duration': return parseDuration(trimmed)
    case 'size': return parseSize(trimmed)
    case 'list': return splitList(trimmed)
  }
}

/** The declared default, in code's units. */
export function defaultOf(definition: OptionDefinition): OptionValue {
  switch (definition.type) {
    case 'duration': return definition.defaultMs
    case 'size': return definition.defaultBytes
    default: return definition.default
  }
}

/** The text that `parseText` reads back as `value`; `''` for what is not set. */
export function formatValue(type: OptionType, value: OptionValue): string {
  if (value === undefined) return ''
  if (typeof value === 'object') return value.join(', ')
  if (typeof value === 'number' && type === 'duration') return formatDuration(value)
  if (typeof value === 'number' && type === 'size') return formatSize(value)
  return String(value)
}

export function sameValue(a: OptionValue, b: OptionValue): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b
  return a.length === b.length && a.every((item, index) => item === b[index])
}

/** Items end at a comma or a line's end; a comma after the last is no item. Undefined when one is empty: `a,,b`. */
function splitList(text: string): string[] | undefined {
  if (text === '') return []
  const items = text.replace(/\s*,$/, '').split(/\s*,\s*|\s*\n\s*/)
  return items.includes('') ? undefined : items
}
