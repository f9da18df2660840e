import { readdirSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { hasCode } from '../base/errors.js'
import { unreadable } from './errors.js'
import { ENV_PREFIX } from './names.js'
import type { RawConfig, RawEntry, RawValue, RawVariable } from './raw-config.js'
import { readConfigFile } from './read-file.js'

export interface SourceOptions {
  /** In order: a later file wins. Each must exist. Default: none. */
  readonly files?: readonly string[]
  /** Read after the files: of each, what ends in `.conf .ini .yaml .yml .toml .json`, sorted by name. Default: none. */
  readonly directories?: readonly string[]
  /** `process.env`, as a rule. Default: empty. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** What the command line says, in order. Default: nothing. */
  readonly flags?: readonly FlagValue[]
}

/** A flag that the command line's parser has understood. */
export interface FlagValue {
  readonly group: string
  readonly key: string
  /** Text, or a boolean for a switch; a list's flag may come several times. */
  readonly value: RawValue
  /** As it was typed: `--workers`. */
  readonly flag: string
}

/**
 * Reads every source, in the order in which later ones win, and judges none of
 * the values: `resolveConfig` does. Synchronous: it is a few small files, at the
 * start and at a reload.
 *
 * @throws CodedError CONFIG_UNREADABLE, CONFIG_SYNTAX (of the first bad file, with all that is wrong there)
 */
export function readSources({ files = [], directories = [], env = {}, flags = [] }: SourceOptions): RawConfig {
  return {
    files: [...files, ...directories.flatMap(configFilesIn)].flatMap(readConfigFile),
    variables: variablesOf(env),
    flags: flags.map(({ group, key, value, flag }): RawEntry => ({ group, key, value, source: { kind: 'command line', flag } })),
  }
}

/** Those of `paths` that are there: for default files, which need not be. One that is there and cannot be read stays in. */
export function existingFiles(paths: readonly string[]): string[] {
  return paths.filter((path) => {
    try {
      return statSync(path, { throwIfNoEntry: false }) !== undefined
    } catch (error) {
      return !hasCode(error, 'ENOTDIR')
    }
  })
}

const CONFIG_FILE = /^\.(?:conf|ini|yaml|yml|toml|json)$/i

/** Hidden files are left out: editors and Kubernetes keep theirs in such places. */
function configFilesIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.') && CONFIG_FILE.test(extname(entry.name)))
      .map((entry) => entry.name)
      .sort()
      .map((name) => join(directory, name))
  } catch (error) {
    throw unreadable(directory, error)
  }
}

/** Variables of ours that are no options. */
const NOT_OPTIONS: ReadonlySet<string> = new Set(['REEVE_NO_NATIVE', 'REEVE_NO_SETPRIV'])

function variablesOf(env: Readonly<Record<string, string | undefined>>): RawVariable[] {
  return Object.entries(env).flatMap(([name, value]): RawVariable[] => {
    if (value === undefined || !name.startsWith(ENV_PREFIX) || NOT_OPTIONS.has(name)) return []
    return [{ value, source: { kind: 'environment', name } }]
  })
}
