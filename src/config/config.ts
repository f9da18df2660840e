import { CodedError } from '../base/errors.js'
import { nearestName } from '../base/nearest.js'
import type { OptionGroups } from '../base/option.js'
import type { ConfigValues } from './define-options.js'
import { MASK, type ConfigErrorCode } from './errors.js'
import { optionName } from './names.js'
import { formatValue, sameValue, type OptionType, type OptionValue } from './option-value.js'
import { sourceText, type ConfigSource } from './raw-config.js'

/**
 * The configuration in force: typed, checked and frozen. A reload makes a new one
 * and never changes this one. A worker gets it as a snapshot, made by the launcher,
 * and needs neither convict nor a parser for that: this file is all.
 */
export interface Config {
  /**
   * The values of a group by their names in code: `config.group('DEFAULT')['gracefulShutdownTimeoutMs']`.
   * @throws CodedError CONFIG_UNKNOWN_GROUP
   */
  group(name: string): Readonly<Record<string, OptionValue>>
  /**
   * The values of options that were declared with `defineOptions`, with their types:
   * `config.of(options).volume.uploadTimeoutMs`.
   * @throws CodedError CONFIG_UNKNOWN_GROUP, CONFIG_UNKNOWN_OPTION when they are not part of this configuration
   */
  of<const Groups extends OptionGroups>(options: Groups): ConfigValues<Groups>
  /** Every option in the order of declaration, as text and with its source; secrets are masked. */
  entries(): readonly ConfigEntry[]
}

export interface ConfigEntry {
  readonly group: string
  readonly key: string
  /** As a file would hold it: `60s`, `64MiB`, `a, b`; `***` for a secret that is set; undefined for what is not set. */
  readonly value: string | undefined
  /** `reeve.conf:3`, `$REEVE_WORKERS`, `--workers` or `default`. */
  readonly source: string
  readonly secret: boolean
}

/** One option that differs between two configurations. The values are in clear: mind `secret` before showing them. */
export interface ConfigChange {
  readonly group: string
  readonly key: string
  /** In code: `gracefulShutdownTimeoutMs`. */
  readonly name: string
  readonly oldValue: OptionValue
  readonly newValue: OptionValue
  /** Takes effect without a restart of the worker. */
  readonly mutable: boolean
  readonly secret: boolean
}

/** A configuration as plain data that survives JSON. Secrets are in clear in it. */
export interface ConfigSnapshot {
  readonly groups: readonly SnapshotGroup[]
}

export interface SnapshotGroup {
  readonly name: string
  readonly options: readonly SnapshotOption[]
}

export interface SnapshotOption {
  readonly group: string
  readonly key: string
  readonly name: string
  readonly type: OptionType
  readonly value?: OptionValue
  readonly source: ConfigSource
  readonly secret: boolean
  readonly mutable: boolean
}

export function configFromSnapshot(snapshot: ConfigSnapshot): Config {
  return new SnapshotConfig(snapshot)
}

/** @throws TypeError for a `Config` that was not made here */
export function snapshotOf(config: Config): ConfigSnapshot {
  return SnapshotConfig.snapshotOf(config)
}

/** What is different in `next`, in its order; then what only `previous` has. A change of source alone is none. */
export function diffConfigs(previous: Config, next: Config): ConfigChange[] {
  const [before, after] = [optionsByName(previous), optionsByName(next)]
  return [...new Set([...after.keys(), ...before.keys()])].flatMap((name) => {
    const [was, is] = [before.get(name), after.get(name)]
    const option = is ?? was
    return option && !sameValue(was?.value, is?.value) ? [change(option, was?.value, is?.value)] : []
  })
}

/** `[volume] uploadTimeoutMs: 60000 → 30000`, for a log; secrets are masked. */
export function describeChange({ group, name, oldValue, newValue, secret }: ConfigChange): string {
  const show = (value: OptionValue): string => value === undefined ? 'not set' : secret ? MASK : String(value)
  return `${optionName(group, name)}: ${show(oldValue)} → ${show(newValue)}`
}

/** An option's value as a file would hold it; secrets masked; undefined when it is not set. */
export function shownValue({ type, value, secret }: SnapshotOption): string | undefined {
  if (value === undefined) return undefined
  return secret ? MASK : formatValue(type, value)
}

class SnapshotConfig implements Config {
  readonly #snapshot: ConfigSnapshot
  readonly #groups: ReadonlyMap<string, Readonly<Record<string, OptionValue>>>

  constructor(snapshot: ConfigSnapshot) {
    this.#snapshot = snapshot
    this.#groups = new Map(snapshot.groups.map(({ name, options }) => [name, frozenValues(options)]))
  }

  static snapshotOf(config: Config): ConfigSnapshot {
    if (!(config instanceof SnapshotConfig)) throw new TypeError('Cannot take a snapshot of "config" as it must come from resolveConfig or configFromSnapshot')
    return config.#snapshot
  }

  group(name: string): Readonly<Record<string, OptionValue>> {
    const values = this.#groups.get(name)
    if (!values) throw unknownGroup(name, [...this.#groups.keys()])
    return values
  }

  of<const Groups extends OptionGroups>(options: Groups): ConfigValues<Groups> {
    for (const [group, declared] of Object.entries(options)) this.#requireOptions(group, Object.keys(declared))
    const values = Object.fromEntries(Object.keys(options).map((group) => [group, this.group(group)]))
    return values as ConfigValues<Groups>
  }

  entries(): readonly ConfigEntry[] {
    return this.#snapshot.groups.flatMap(({ options }) => options).map((option) => {
      const { group, key, source, secret } = option
      return { group, key, value: shownValue(option), source: sourceText(source), secret }
    })
  }

  #requireOptions(group: string, keys: readonly string[]): void {
    this.group(group)
    const known = this.#snapshot.groups.find(({ name }) => name === group)?.options.map(({ key }) => key) ?? []
    const unknown = keys.find((key) => !known.includes(key))
    if (unknown !== undefined) throw unknownOption(group, unknown, known)
  }
}

function frozenValues(options: readonly SnapshotOption[]): Readonly<Record<string, OptionValue>> {
  return Object.freeze(Object.fromEntries(options.map(({ name, value }) => {
    return [name, typeof value === 'object' ? Object.freeze([...value]) : value]
  })))
}

function optionsByName(config: Config): Map<string, SnapshotOption> {
  const options = snapshotOf(config).groups.flatMap((group) => group.options)
  return new Map(options.map((option) => [optionName(option.group, option.key), option]))
}

function change({ group, key, name, mutable, secret }: SnapshotOption, oldValue: OptionValue, newValue: OptionValue): ConfigChange {
  return { group, key, name, oldValue, newValue, mutable, secret }
}

function unknownGroup(group: string, known: readonly string[]): CodedError<ConfigErrorCode> {
  const hint = nearestName(group, known)
  return new CodedError('CONFIG_UNKNOWN_GROUP', `Cannot give the group "${group}" as a group must be declared${didYouMean(hint)}: ${known.join(', ')}`, {
    details: { group },
  })
}

function unknownOption(group: string, key: string, known: readonly string[]): CodedError<ConfigErrorCode> {
  const hint = nearestName(key, known)
  return new CodedError('CONFIG_UNKNOWN_OPTION', `Cannot give the option "${optionName(group, key)}" as an option must be declared${didYouMean(hint)}: ${known.join(', ')}`, {
    details: { group, key },
  })
}

function didYouMean(name: string | undefined): string {
  return name === undefined ? '' : ` (did you mean ${name}?)`
}
