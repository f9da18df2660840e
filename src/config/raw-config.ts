/**
 * A configuration as it was written, before anything is known of its options:
 * plain data that survives JSON, for it is handed to workers over IPC. Secrets
 * are in clear in it: it is for a process of one's own, not for a log.
 *
 * Later wins: files in their order, then variables, then flags.
 */
export interface RawConfig {
  readonly files: readonly RawEntry[]
  readonly variables: readonly RawVariable[]
  readonly flags: readonly RawEntry[]
}

/** One `key = value` of a file or one flag. */
export interface RawEntry {
  readonly group: string
  /** As it was written, which need not be the key of any option. */
  readonly key: string
  readonly value: RawValue
  readonly source: FileSource | FlagSource
}

/**
 * One `REEVE_…` variable. Which option it names can be told only when the options
 * are known: `service:api` and `service_api` look alike in the environment.
 */
export interface RawVariable {
  readonly value: string
  readonly source: EnvironmentSource
}

/** Something in a source that none of the options known so far has claimed. */
export type UnclaimedEntry = RawEntry | RawVariable

/** What a parser gave. INI, the environment and the command line know only text. */
export type RawValue =
  | string | number | boolean | null | readonly RawValue[] | { readonly [key: string]: RawValue }

export interface FileSource {
  readonly kind: 'file'
  /** As it was given, not made absolute. */
  readonly path: string
  /** From 1. TOML's parser does not tell it. */
  readonly line?: number
}

export interface EnvironmentSource {
  readonly kind: 'environment'
  readonly name: string
}

export interface FlagSource {
  readonly kind: 'command line'
  /** With its dashes: `--workers`. */
  readonly flag: string
}

/** Where a value in force comes from. */
export type ConfigSource = FileSource | EnvironmentSource | FlagSource | { readonly kind: 'default' }

/** `reeve.conf:3`, `$REEVE_WORKERS`, `--workers` or `default`. */
export function sourceText(source: ConfigSource): string {
  switch (source.kind) {
    case 'file': return source.line === undefined ? source.path : `${source.path}:${source.line}`
    case 'environment': return `$${source.name}`
    case 'command line': return source.flag
    case 'default': return 'default'
  }
}

/** The groups that files and flags name, in order, each once: for groups such as `service:api` whose names the user chooses. */
export function groupNames(raw: RawConfig): string[] {
  return [...new Set([...raw.files, ...raw.flags].map((entry) => entry.group))]
}
