import type { OptionDefinition, OptionGroups } from '../base/option.js'
import { declaredOptions, type DeclaredOption } from './groups.js'
import { envName, flagName } from './names.js'
import { defaultOf, formatValue } from './option-value.js'
import { iniText } from './read-ini.js'
import { describeRule } from './rules.js'

export interface SampleOptions {
  /** The first line: `reeve.conf`, or what the service is called. */
  readonly title: string
  /** The flag of an option; undefined for one that has none. Default: `flagName`. */
  readonly flagOf?: (group: string, key: string) => string | undefined
}

const WIDTH = 78

/**
 * A file in which every option stands, commented out and with its default: the
 * manual of options. `# ` begins an explanation, `#` an option to be uncommented.
 */
export function renderSample(groups: OptionGroups, { title, flagOf = flagName }: SampleOptions): string {
  const options = declaredOptions(groups)
  const sections = Object.keys(groups).map((name) => {
    const members = options.filter(({ group }) => group === name)
    return [`[${name}]`, ...members.map((option) => renderOption(option, flagOf(option.group, option.key)))].join('\n\n')
  })
  return `${[renderHead(title), ...sections].join('\n\n\n')}\n`
}

/** Lines of at most `width` characters, broken at blanks; a word that is longer stays whole. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

function renderHead(title: string): string {
  const how = 'Every option is here with its default. To change one, take the # off its line and put the value in. '
    + 'Comments begin at the start of a line; a value may hold # and ;, and goes on in indented lines. '
    + 'A later file wins over an earlier one, the environment over files, the command line over all.'
  return [...comment(title), '#', ...comment(how)].join('\n')
}

function renderOption({ group, key, definition }: DeclaredOption, flag: string | undefined): string {
  const names = [`$${envName(group, key)}`, ...flag === undefined ? [] : [flag]]
  return [
    ...comment(definition.help),
    ...comment(`Value: ${describeRule(definition)}.`),
    ...definition.sampleDefault === undefined ? [] : comment(`Default: ${definition.sampleDefault}.`),
    ...definition.secret === true ? comment('A secret: masked wherever it is shown.') : [],
    ...definition.mutable === true ? comment('May change without a restart.') : [],
    ...comment(`Also: ${names.join(', ')}`),
    `#${key} = ${defaultText(definition)}`.trimEnd(),
  ].join('\n')
}

/** Nothing where the default is told in words, for words that are uncommented would be taken for a value; nor for a secret. */
function defaultText(definition: OptionDefinition): string {
  if (definition.sampleDefault !== undefined || definition.secret === true) return ''
  const text = iniText(formatValue(definition.type, defaultOf(definition))) ?? ''
  return text.replaceAll('\n', '\n#')
}

function comment(text: string): string[] {
  return wrapText(text, WIDTH - '# '.length).map((line) => `# ${line}`)
}
