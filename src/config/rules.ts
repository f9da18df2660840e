import type { OptionDefinition } from '../base/option.js'
import { formatDuration, formatSize } from '../base/units.js'

const LAST_PORT = 65_535

/** Whether `value`, in code's units, is one that the option allows. */
export function obeysRule(definition: OptionDefinition, value: unknown): boolean {
  switch (definition.type) {
    case 'string': return typeof value === 'string' && isChoice(definition.choices, value) && matches(definition.pattern, value)
    case 'boolean': return typeof value === 'boolean'
    case 'list': return Array.isArray(value) && value.every((item) => typeof item === 'string' && isChoice(definition.choices, item))
    case 'number': return isWithin(value, rangeOf(definition)) && Number.isFinite(value)
    default: return isWithin(value, rangeOf(definition)) && (definition.type === 'duration' ? Number.isFinite(value) : Number.isSafeInteger(value))
  }
}

/** What the option allows, as a phrase: `an integer from 1 to 64`, `one of debug, info`. */
export function describeRule(definition: OptionDefinition): string {
  switch (definition.type) {
    case 'string': return definition.expected ?? describeText(definition.choices, definition.pattern)
    case 'boolean': return 'true, yes, on, 1, false, no, off or 0'
    case 'list': return definition.choices ? `a list of ${definition.choices.join(', ')}` : 'a list of texts'
    case 'port': return `a port ${describeRange(rangeOf(definition), String)}`
    case 'integer': return `an integer ${describeRange(rangeOf(definition), String)}`.trimEnd()
    case 'number': return `a number ${describeRange(rangeOf(definition), String)}`.trimEnd()
    case 'duration': return `a duration (500ms, 5s, 2m; a bare number is seconds) ${describeRange(boundsOf(definition), formatDuration)}`.trimEnd()
    case 'size': return `a size (64MiB, 1GB; a bare number is bytes) ${describeRange(boundsOf(definition), formatSize)}`.trimEnd()
  }
}

interface Range {
  readonly min?: number | undefined
  readonly max?: number | undefined
}

type QuantityOption = Exclude<OptionDefinition, { type: 'string' | 'boolean' | 'list' }>

/** The bounds in force, with those that the type itself has. */
function rangeOf(definition: QuantityOption): Range {
  const { min, max } = boundsOf(definition)
  switch (definition.type) {
    case 'port': return { min: min ?? 0, max: max ?? LAST_PORT }
    case 'duration':
    case 'size': return { min: min ?? 0, max }
    default: return { min, max }
  }
}

/** The bounds that were declared. */
function boundsOf(definition: QuantityOption): Range {
  switch (definition.type) {
    case 'duration': return { min: definition.minMs, max: definition.maxMs }
    case 'size': return { min: definition.minBytes, max: definition.maxBytes }
    default: return { min: definition.min, max: definition.max }
  }
}

function isWithin(value: unknown, { min = -Infinity, max = Infinity }: Range): boolean {
  return typeof value === 'number' && value >= min && value <= max
}

function isChoice(choices: readonly string[] | undefined, value: string): boolean {
  return choices === undefined || choices.includes(value)
}

/** The whole value must match, so the pattern is anchored; `g` and `y` would give it a memory. */
function matches(pattern: RegExp | undefined, value: string): boolean {
  if (pattern === undefined) return true
  return new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gmy]/g, '')).test(value)
}

function describeText(choices: readonly string[] | undefined, pattern: RegExp | undefined): string {
  if (choices) return `one of ${choices.join(', ')}`
  return pattern ? `text that matches ${String(pattern)}` : 'text'
}

function describeRange({ min, max }: Range, format: (bound: number) => string): string {
  if (min !== undefined && max !== undefined) return `from ${format(min)} to ${format(max)}`
  if (min !== undefined) return `of at least ${format(min)}`
  return max === undefined ? '' : `of at most ${format(max)}`
}
