import type { OptionGroups } from '../base/option.js'
import { checkValues } from './check-values.js'
import { claimEntries, type Given } from './claim.js'
import { configFromSnapshot, snapshotOf, type Config, type ConfigSnapshot, type SnapshotOption } from './config.js'
import { invalidConfig, MASK, type ConfigProblem } from './errors.js'
import { declaredOptions, duplicateOption, type DeclaredOption } from './groups.js'
import { defaultOf, type OptionValue } from './option-value.js'
import { sourceText, type RawConfig, type RawVariable, type UnclaimedEntry } from './raw-config.js'
import { describeRule } from './rules.js'

export type { UnclaimedEntry } from './raw-config.js'

export interface ResolvedConfig {
  readonly config: Config
  /** What no option of `groups` claims. Nothing of it is in `config`; `rejectUnclaimed` makes it an error. */
  readonly unclaimed: readonly UnclaimedEntry[]
}

/**
 * The values in force: of each option the last that a source gives, else its
 * default. Only these are checked; a bad value that a later source overrides does
 * no harm. Nothing is coerced but text to the option's own type.
 *
 * @throws CodedError CONFIG_INVALID, with every problem at once
 * @throws TypeError when an option is declared wrongly
 */
export function resolveConfig(groups: OptionGroups, raw: RawConfig): ResolvedConfig {
  const options = declaredOptions(groups)
  const { given, unclaimed, problems } = claimEntries(options, new Set(Object.keys(groups)), raw)
  const { values, broken } = checkValues(options, new Map([...given].map(([option, { value }]) => [option, value])))
  const found = [...problems, ...[...broken].map((option) => brokenRule(option, given.get(option)))]
  if (found.length > 0) throw invalidConfig(found)
  const config = configFromSnapshot(snapshotFrom(groups, options.map((option) => {
    return snapshotOption(option, values.get(option), given.get(option))
  })))
  return { config, unclaimed }
}

/**
 * `config` with the options of `groups` added, taken from what was left over: for a
 * worker, whose service declares options that the launcher does not know.
 *
 * @throws CodedError CONFIG_INVALID; CONFIG_DUPLICATE_OPTION when `config` has one of them already
 * @throws TypeError when an option is declared wrongly
 */
export function extendConfig(config: Config, groups: OptionGroups, unclaimed: readonly UnclaimedEntry[]): ResolvedConfig {
  const added = resolveConfig(groups, rawFrom(unclaimed))
  const merged = new Map(snapshotOf(config).groups.map(({ name, options }) => [name, options]))
  for (const { name, options } of snapshotOf(added.config).groups) {
    const present = merged.get(name) ?? []
    const twice = options.find((option) => present.some((other) => other.name === option.name))
    if (twice) throw duplicateOption(name, twice.key)
    merged.set(name, [...present, ...options])
  }
  const snapshot = { groups: [...merged].map(([name, options]) => ({ name, options })) }
  return { config: configFromSnapshot(snapshot), unclaimed: added.unclaimed }
}

function rawFrom(unclaimed: readonly UnclaimedEntry[]): RawConfig {
  const entries = unclaimed.filter((entry) => 'key' in entry)
  return {
    files: entries.filter(({ source }) => source.kind === 'file'),
    variables: unclaimed.filter((entry): entry is RawVariable => !('key' in entry)),
    flags: entries.filter(({ source }) => source.kind === 'command line'),
  }
}

/** Longer values are cut in messages. */
const SHOWN_CHARS = 80

function brokenRule({ group, key, definition }: DeclaredOption, given: Given | undefined): ConfigProblem {
  const { value, source } = given ?? { value: defaultOf(definition), source: { kind: 'default' } as const }
  return {
    where: sourceText(source), group, key,
    rule: `must be ${describeRule(definition)}`,
    value: definition.secret === true ? MASK : shorten(JSON.stringify(value)),
  }
}

function shorten(text: string): string {
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text
}

function snapshotOption({ group, key, name, definition }: DeclaredOption, value: OptionValue, given: Given | undefined): SnapshotOption {
  return {
    group, key, name, value,
    type: definition.type,
    source: given?.source ?? { kind: 'default' },
    secret: definition.secret === true,
    mutable: definition.mutable === true,
  }
}

function snapshotFrom(groups: OptionGroups, options: readonly SnapshotOption[]): ConfigSnapshot {
  return { groups: Object.keys(groups).map((name) => ({ name, options: options.filter(({ group }) => group === name) })) }
}
