import { EXIT } from '../../base/exit-code.js'
import { sourceText } from '../../config/raw-config.js'
import { renderSample } from '../../config/sample.js'
import { configToJson, renderConfig } from '../../config/show.js'
import { rejectUnclaimed } from '../../config/unclaimed.js'
import { optionGroups, SERVICE_PREFIX } from '../../launcher/options.js'
import { readConfig, type LaunchRequest } from '../../launcher/settings.js'
import { parseArguments, usageError } from '../arguments.js'
import { flagOf, optionFlags, SOURCE_FLAGS, sourcesOf } from '../flags.js'

/** `launcher config sample|show|validate`. */
export function config(argv: readonly string[]): Promise<number> {
  const json = { flag: '--json', help: 'Print JSON.' }
  const parsed = parseArguments(argv, [...optionFlags(), ...SOURCE_FLAGS, json])
  const [action, module, ...args] = parsed.operands
  const request: LaunchRequest = { module, args, env: process.env, ...sourcesOf(parsed) }
  switch (action) {
    case 'sample': return print(sampleText())
    case 'show': return print(parsed.flags.some(({ flag }) => flag === json.flag) ? showJson(request) : showText(request))
    case 'validate': return print(validate(request))
    default: throw usageError(`Cannot do "config ${action ?? ''}" as there is only: sample, show, validate`)
  }
}

/** What `conf/launcher.conf.sample` holds. */
export function sampleText(): string {
  return renderSample(optionGroups([`${SERVICE_PREFIX}NAME`]), {
    title: 'reeve.conf: every option of the launcher, with its default',
    flagOf: (group, key) => group.startsWith(SERVICE_PREFIX) ? undefined : flagOf(group, key),
  })
}

function showText(request: LaunchRequest): string {
  const { config, unclaimed } = readConfig(request)
  const left = unclaimed.map((entry) => `# ${sourceText(entry.source)}: ${'key' in entry ? `[${entry.group}] ${entry.key}` : ''} is left to the service\n`)
  return renderConfig(config) + left.join('')
}

function showJson(request: LaunchRequest): string {
  return `${JSON.stringify(configToJson(readConfig(request).config), undefined, 2)}\n`
}

function validate(request: LaunchRequest): string {
  const { config, unclaimed, groups } = readConfig(request)
  if (request.module === undefined) rejectUnclaimed(unclaimed, groups)
  return `the configuration is valid: ${config.entries().filter(({ source }) => source !== 'default').length} options are set${unclaimed.length === 0 ? '' : `, ${unclaimed.length} keys are left to the service`}\n`
}

function print(text: string): Promise<number> {
  process.stdout.write(text)
  return Promise.resolve(EXIT.clean)
}
