import type { OptionDefinition } from '../base/option.js'

/** The group of what stands before the first `[group]`. */
export const DEFAULT_GROUP = 'DEFAULT'

/** What every variable of ours begins with. */
export const ENV_PREFIX = 'REEVE_'

/** The name in code, with its unit: `gracefulShutdownTimeoutMs`, `maxBodyBytes`, `workers`. */
export function camelName(key: string, definition: Pick<OptionDefinition, 'type'>): string {
  return key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()) + unitSuffix(definition.type)
}

/** `--graceful-shutdown-timeout`; with its group in front where that is not `DEFAULT`: `--log-level`. */
export function flagName(group: string, key: string): string {
  const words = group === DEFAULT_GROUP ? [key] : [group, key]
  return `--${words.join('-').toLowerCase().replace(/[^a-z0-9]+/g, '-')}`
}

/** `REEVE_WORKERS`, `REEVE_LOG__LEVEL`, `REEVE_SERVICE_API__WORKERS`: what cannot be in a variable's name is `_`. */
export function envName(group: string, key: string): string {
  const words = group === DEFAULT_GROUP ? [key] : [group, key]
  return ENV_PREFIX + words.map((word) => word.toUpperCase().replace(/[^A-Z0-9_]/g, '_')).join('__')
}

/** `[log] level`: how an option is called in messages. */
export function optionName(group: string, key: string): string {
  return `[${group}] ${key}`
}

function unitSuffix(type: OptionDefinition['type']): string {
  switch (type) {
    case 'duration': return 'Ms'
    case 'size': return 'Bytes'
    default: return ''
  }
}
