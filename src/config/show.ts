import { shownValue, snapshotOf, type Config, type SnapshotGroup, type SnapshotOption } from './config.js'
import { formatValue, parseText, sameValue } from './option-value.js'
import { sourceText } from './raw-config.js'
import { iniText } from './read-ini.js'

/**
 * The configuration in force as INI that can be read again to the same values.
 *
 *     [DEFAULT]
 *     # reeve.conf:3
 *     workers      = 4
 *     boot_timeout = 60s
 *
 * Where a value comes from stands in the line above it, unless it is the default:
 * behind the value it would be part of the value. What cannot be read again (a
 * secret, which is masked; what is not set) is commented out.
 */
export function renderConfig(config: Config): string {
  return `${snapshotOf(config).groups.map(renderGroup).join('\n\n')}\n`
}

/** `{ group: { key: { value, source } } }`: numbers, switches and lists as such, durations and sizes as text, null for what is not set. */
export function configToJson(config: Config): Record<string, Record<string, ShownOption>> {
  return Object.fromEntries(snapshotOf(config).groups.map(({ name, options }) => {
    return [name, Object.fromEntries(options.map((option) => [option.key, showOption(option)]))]
  }))
}

export interface ShownOption {
  readonly value: string | number | boolean | readonly string[] | null
  readonly source: string
}

function showOption(option: SnapshotOption): ShownOption {
  const { type, value, secret, source } = option
  const isText = secret || type === 'duration' || type === 'size'
  return { value: (isText ? shownValue(option) : value) ?? null, source: sourceText(source) }
}

function renderGroup({ name, options }: SnapshotGroup): string {
  const width = Math.max(0, ...options.map(({ key }) => key.length))
  return [`[${name}]`, ...options.flatMap((option) => renderOption(option, width))].join('\n')
}

function renderOption(option: SnapshotOption, width: number): string[] {
  const origin = option.source.kind === 'default' ? [] : [`# ${sourceText(option.source).replaceAll(/[\r\n]+/g, ' ')}`]
  const name = option.key.padEnd(width)
  const text = readableText(option)
  const line = text === undefined
    ? `# ${name} = ${(shownValue(option) ?? '').replaceAll('\n', '\n#     ')}`
    : `${name} = ${text}`
  return [...origin, line.trimEnd()]
}

/** The text behind `key = `, if reading it gives the same value. */
function readableText({ type, value, secret }: SnapshotOption): string | undefined {
  if (secret || value === undefined) return undefined
  const text = formatValue(type, value)
  return sameValue(parseText(type, text), value) ? iniText(text) : undefined
}
