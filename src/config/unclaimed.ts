import { nearestName } from '../base/nearest.js'
import type { Config } from './config.js'
import { invalidConfig, type ConfigProblem } from './errors.js'
import { envName, flagName, optionName } from './names.js'
import { sourceText, type RawEntry, type RawVariable, type UnclaimedEntry } from './raw-config.js'

/**
 * What is wrong with entries that no option claims: each with the nearest name
 * that there is. Their values are not shown, for a misspelt key may be a secret's.
 */
export function unclaimedProblems(unclaimed: readonly UnclaimedEntry[], known: KnownOptions): ConfigProblem[] {
  const names = namesOf(known)
  return unclaimed.map((entry) => 'key' in entry ? unknownEntry(entry, names) : unknownVariable(entry, names))
}

/** @throws CodedError CONFIG_INVALID when anything is unclaimed */
export function rejectUnclaimed(unclaimed: readonly UnclaimedEntry[], known: KnownOptions): void {
  if (unclaimed.length > 0) throw invalidConfig(unclaimedProblems(unclaimed, known))
}

/** Groups by name, and in each the options by key: `OptionGroups`, or what `knownOptions` makes of a `Config`. */
export type KnownOptions = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** The options of a configuration, for a worker, which does not know how the launcher declared its own. */
export function knownOptions(config: Config): KnownOptions {
  const groups = new Map<string, [string, true][]>()
  for (const { group, key } of config.entries()) groups.set(group, [...groups.get(group) ?? [], [key, true]])
  return Object.fromEntries([...groups].map(([group, keys]) => [group, Object.fromEntries(keys)]))
}

interface OptionNames {
  readonly group: string
  readonly keys: readonly string[]
}

function namesOf(known: KnownOptions): OptionNames[] {
  return Object.entries(known).map(([group, options]) => ({ group, keys: Object.keys(options) }))
}

function unknownVariable({ source }: RawVariable, names: readonly OptionNames[]): ConfigProblem {
  const variables = names.flatMap(({ group, keys }) => keys.map((key) => envName(group, key)))
  const near = nearestAnyCase(source.name, variables)
  return { where: sourceText(source), rule: `is not an option${suggestion(near === undefined ? undefined : `$${near}`)}` }
}

function unknownEntry({ group, key, source }: RawEntry, names: readonly OptionNames[]): ConfigProblem {
  const known = names.find((candidate) => candidate.group === group)
  const isFlag = source.kind === 'command line'
  const meant = meantOption(key, known, names) ?? (known || isFlag ? undefined : meantGroup(group, names))
  const rule = known || isFlag ? 'is not an option' : `is not an option, and [${group}] is not a group`
  return { where: sourceText(source), group, key, rule: rule + suggestion(isFlag ? meant?.flag : meant?.text) }
}

interface Meant {
  readonly text: string
  readonly flag?: string
}

/** The same key in another group, for a forgotten `[group]` is the commonest slip; else a near key in its own. */
function meantOption(key: string, known: OptionNames | undefined, names: readonly OptionNames[]): Meant | undefined {
  const elsewhere = names.find(({ keys }) => keys.includes(key))
  if (elsewhere) return { text: optionName(elsewhere.group, key), flag: flagName(elsewhere.group, key) }
  const near = known && nearestAnyCase(key, known.keys)
  return near === undefined || !known ? undefined : { text: near, flag: flagName(known.group, near) }
}

function meantGroup(group: string, names: readonly OptionNames[]): Meant | undefined {
  const near = nearestAnyCase(group, names.map((candidate) => candidate.group))
  return near === undefined ? undefined : { text: `[${near}]` }
}

function suggestion(name: string | undefined): string {
  return name === undefined ? '' : `; did you mean ${name}?`
}

/** `[default]` and `gracefulShutdownTimeout` are near `DEFAULT` and `graceful_shutdown_timeout`. */
function nearestAnyCase(typed: string, names: readonly string[]): string | undefined {
  const near = nearestName(typed.toLowerCase(), names.map((name) => name.toLowerCase()))
  return names.find((name) => name.toLowerCase() === near)
}
