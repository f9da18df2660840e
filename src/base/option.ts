/**
 * What a configuration option is: plain data, so that any folder can declare its
 * own options without importing the code that reads them.
 *
 * A key is snake_case in files (`graceful_shutdown_timeout`), kebab-case on the
 * command line, `REEVE_KEY` or `REEVE_GROUP__KEY` in the environment, and
 * camelCase with its unit in code (`gracefulShutdownTimeoutMs`).
 */
export type OptionDefinition =
  | TextOption | NumberOption | SwitchOption | DurationOption | SizeOption | ListOption

interface CommonOption {
  /** One sentence or more for the sample file and for `--help`. */
  readonly help: string
  /** Masked in logs, errors and `config show`. */
  readonly secret?: boolean
  /** May change without a restart of the worker. */
  readonly mutable?: boolean
  /** What the sample file and `--help` show instead of the default, where the default depends on the machine. */
  readonly sampleDefault?: string
}

export interface TextOption extends CommonOption {
  readonly type: 'string'
  readonly default?: string
  readonly choices?: readonly string[]
  /** The whole value must match. */
  readonly pattern?: RegExp
  /** What the pattern means, for messages and the sample: `a whole number, or auto`. */
  readonly expected?: string
}

export interface NumberOption extends CommonOption {
  /** `port` is an integer from 0 to 65535. */
  readonly type: 'integer' | 'number' | 'port'
  readonly default?: number
  readonly min?: number
  readonly max?: number
}

export interface SwitchOption extends CommonOption {
  /** true, yes, on, 1; false, no, off, 0; any case; nothing else. */
  readonly type: 'boolean'
  readonly default?: boolean
}

export interface DurationOption extends CommonOption {
  /** In files a bare number is seconds; `500ms`, `5s`, `2m`, `1h`, `1d`. In code milliseconds. */
  readonly type: 'duration'
  readonly defaultMs?: number
  readonly minMs?: number
  readonly maxMs?: number
}

export interface SizeOption extends CommonOption {
  /** In files a bare number is bytes; `64MiB`, `1GB`. In code bytes. */
  readonly type: 'size'
  readonly defaultBytes?: number
  readonly minBytes?: number
  readonly maxBytes?: number
}

export interface ListOption extends CommonOption {
  /** Strings, separated by commas in INI, in the environment and on the command line; a flag may also be repeated. */
  readonly type: 'list'
  readonly default?: readonly string[]
  readonly choices?: readonly string[]
}

/** Options of one group, by their snake_case key. */
export type OptionGroup = Readonly<Record<string, OptionDefinition>>

/** Groups by name. The group without a name of its own is `DEFAULT`. */
export type OptionGroups = Readonly<Record<string, OptionGroup>>
