import type { ConfigProblem } from './errors.js'
import type { DeclaredOption } from './groups.js'
import { DEFAULT_GROUP, envName, optionName } from './names.js'
import { sourceText, type ConfigSource, type RawConfig, type RawEntry, type RawValue, type RawVariable, type UnclaimedEntry } from './raw-config.js'

/** What a source says of one option. */
export interface Given {
  readonly value: RawValue
  readonly source: ConfigSource
}

export interface Claims {
  /** The last word on each option that any source speaks of. */
  readonly given: ReadonlyMap<DeclaredOption, Given>
  readonly unclaimed: readonly UnclaimedEntry[]
  readonly problems: readonly ConfigProblem[]
}

/** Finds for each entry the option that it is meant for. All look-ups are by `Map`: a key may be `__proto__`. */
export function claimEntries(options: readonly DeclaredOption[], groups: ReadonlySet<string>, raw: RawConfig): Claims {
  const byName = new Map(options.map((option) => [optionName(option.group, option.key), option]))
  const byVariable = groupByVariable(options)
  const given = new Map<DeclaredOption, Given>()
  const unclaimed: UnclaimedEntry[] = []
  const problems: ConfigProblem[] = []

  const claimEntry = (entry: RawEntry): void => {
    const option = byName.get(optionName(entry.group, entry.key))
    if (option) given.set(option, { value: valueOf(entry, option, given.get(option)), source: entry.source })
    else if (!isEmptyGroup(entry, groups)) unclaimed.push(entry)
  }
  const claimVariable = (variable: RawVariable): void => {
    const [option, ...others] = byVariable.get(variable.source.name) ?? []
    if (!option) unclaimed.push(variable)
    else if (others.length > 0) problems.push(ambiguous(variable, [option, ...others]))
    else given.set(option, variable)
  }
  raw.files.forEach(claimEntry)
  raw.variables.forEach(claimVariable)
  raw.flags.forEach(claimEntry)
  return { given, unclaimed, problems }
}

/** A list's flag may be repeated, each time with one item or several. */
function valueOf({ source, value }: RawEntry, { definition }: DeclaredOption, earlier: Given | undefined): RawValue {
  if (definition.type !== 'list' || source.kind !== 'command line') return value
  const parts = [earlier?.source.kind === 'command line' ? earlier.value : [], value].flat()
  return parts.every((part) => typeof part === 'string') ? parts.filter((part) => part !== '').join(',') : value
}

/** `log:` with nothing under it is null in YAML. */
function isEmptyGroup({ group, key, value }: RawEntry, groups: ReadonlySet<string>): boolean {
  return value === null && group === DEFAULT_GROUP && groups.has(key)
}

function ambiguous({ source }: RawVariable, options: readonly DeclaredOption[]): ConfigProblem {
  const names = options.map(({ group, key }) => optionName(group, key)).join(' and ')
  return { where: sourceText(source), rule: `must name one option, and names ${names}` }
}

function groupByVariable(options: readonly DeclaredOption[]): Map<string, DeclaredOption[]> {
  const byVariable = new Map<string, DeclaredOption[]>()
  for (const option of options) {
    const name = envName(option.group, option.key)
    byVariable.set(name, [...byVariable.get(name) ?? [], option])
  }
  return byVariable
}
