import type { OptionDefinition } from '../base/option.js'
import { flagName } from '../config/names.js'
import type { FlagValue } from '../config/sources.js'
import { optionGroups } from '../launcher/options.js'
import { usageError, type FlagSpec, type ParsedArguments } from './arguments.js'

/** Flags whose names are shorter than their keys. */
const SHORTER: Readonly<Record<string, string>> = { '--control-path': '--control', '--coordination-url': '--coordination' }

interface OptionFlag extends FlagSpec {
  readonly group: string
  readonly key: string
}

/** Every option of the launcher as a flag. */
export function optionFlags(): OptionFlag[] {
  return Object.entries(optionGroups()).flatMap(([group, options]) => Object.entries(options).map(([key, definition]) => {
    return { flag: flagOf(group, key), group, key, value: VALUE_NAMES[definition.type], help: definition.help, ...(key === 'workers' ? { short: '-w' } : {}) }
  }))
}

/** The flag of an option: `--graceful-shutdown-timeout`, `--log-level`, `--control`. */
export function flagOf(group: string, key: string): string {
  const flag = flagName(group, key)
  return SHORTER[flag] ?? flag
}

const VALUE_NAMES: Readonly<Record<OptionDefinition['type'], string>> = {
  string: 'VALUE', integer: 'N', number: 'N', port: 'PORT', boolean: 'yes|no', duration: 'TIME', size: 'SIZE', list: 'VALUE',
}

/** Flags that are no option of their own. */
export const SOURCE_FLAGS: readonly FlagSpec[] = [
  { flag: '--config-file', value: 'FILE', help: 'Read this file (.conf and .ini, .yaml, .toml, .json) instead of the default ones; may be repeated, later ones win.' },
  { flag: '--config-dir', value: 'DIR', help: 'Then read the files of this folder, in the order of their names; may be repeated.' },
  { flag: '--set', value: 'GROUP.KEY=VALUE', help: "Set any option, the service's own included; may be repeated." },
  { flag: '--no-control', help: 'Serve no control socket.' },
]

/** What the flags say, for the configuration. */
export interface Sources {
  readonly files: readonly string[]
  readonly directories: readonly string[]
  readonly flags: readonly FlagValue[]
}

/** @throws CodedError USAGE for a `--set` without a key or a value */
export function sourcesOf({ flags }: ParsedArguments): Sources {
  const options = new Map(optionFlags().map((spec) => [spec.flag, spec]))
  const values = (flag: string): string[] => flags.flatMap((given) => given.flag === flag && given.value !== true ? [given.value] : [])
  return {
    files: values('--config-file'),
    directories: values('--config-dir'),
    flags: flags.flatMap(({ flag, value }): FlagValue[] => {
      if (flag === '--no-control') return [{ group: 'DEFAULT', key: 'control_path', value: 'none', flag }]
      if (flag === '--set' && value !== true) return [parseSet(value)]
      const option = options.get(flag)
      return option ? [{ group: option.group, key: option.key, value, flag }] : []
    }),
  }
}

function parseSet(text: string): FlagValue {
  const [, group, key, value] = /^(?:([^=]+)\.)?([^.=]+)=(.*)$/s.exec(text) ?? []
  if (key === undefined || value === undefined) throw usageError(`Cannot use "--set" as it takes GROUP.KEY=VALUE: ${text}`)
  return { group: group ?? 'DEFAULT', key, value, flag: '--set' }
}
