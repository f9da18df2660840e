import { CodedError } from '../base/errors.js'
import type { OptionDefinition, OptionGroups } from '../base/option.js'
import type { ConfigErrorCode } from './errors.js'
import { camelName, optionName } from './names.js'

/** An option with the names that it goes by. */
export interface DeclaredOption {
  readonly group: string
  readonly key: string
  /** In code: `gracefulShutdownTimeoutMs`. */
  readonly name: string
  readonly definition: OptionDefinition
}

const GROUP = /^[A-Za-z][\w:.@-]*$/
const KEY = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/
const TYPES: ReadonlySet<string> = new Set<OptionDefinition['type']>([
  'string', 'integer', 'number', 'port', 'boolean', 'duration', 'size', 'list',
])

/**
 * All options in the order of their declaration. Declarations may come from a
 * service's own code, so they are checked, too; defaults are checked with the values.
 *
 * @throws TypeError for a name that could not be written in every source, or an unknown type
 */
export function declaredOptions(groups: OptionGroups): DeclaredOption[] {
  return Object.entries(groups).flatMap(([group, options]) => {
    if (!GROUP.test(group)) throw new TypeError(`Cannot declare the group "${group}" as a group's name is letters, digits and any of _:.@-: ${group}`)
    const declared = Object.entries(options).map(([key, definition]) => declare(group, key, definition))
    rejectSameName(declared)
    return declared
  })
}

/**
 * One set of groups out of several, for parts that declare their options apart.
 *
 * @throws CodedError CONFIG_DUPLICATE_OPTION when two of them declare the same option
 */
export function mergeGroups(...parts: readonly OptionGroups[]): OptionGroups {
  const merged = new Map<string, Map<string, OptionDefinition>>()
  for (const [group, options] of parts.flatMap((part) => Object.entries(part))) {
    const target = merged.get(group) ?? new Map<string, OptionDefinition>()
    merged.set(group, target)
    for (const [key, definition] of Object.entries(options)) {
      if (target.has(key)) throw duplicateOption(group, key)
      target.set(key, definition)
    }
  }
  return Object.fromEntries([...merged].map(([group, options]) => [group, Object.fromEntries(options)]))
}

function declare(group: string, key: string, definition: OptionDefinition): DeclaredOption {
  const fault = (rule: string, value: unknown): TypeError => {
    return new TypeError(`Cannot declare the option "${optionName(group, key)}" as ${rule}: ${String(value)}`)
  }
  if (!KEY.test(key)) throw fault('a key is in snake_case', key)
  if (!TYPES.has(definition.type)) throw fault(`its type is one of ${[...TYPES].join(', ')}`, definition.type)
  return { group, key, name: camelName(key, definition), definition }
}

/** `wait` as a duration and `wait_ms` as a number would both be `waitMs`. */
function rejectSameName(options: readonly DeclaredOption[]): void {
  const keys = new Map<string, string>()
  for (const { group, key, name } of options) {
    const other = keys.get(name)
    if (other !== undefined) {
      throw new TypeError(`Cannot declare the option "${optionName(group, key)}" as its name in code must be its own, not that of ${other}: ${name}`)
    }
    keys.set(name, key)
  }
}

export function duplicateOption(group: string, key: string): CodedError<ConfigErrorCode> {
  const name = optionName(group, key)
  return new CodedError('CONFIG_DUPLICATE_OPTION', `Cannot declare the option "${name}" as an option is declared once: it is declared twice`, {
    details: { group, key },
  })
}
