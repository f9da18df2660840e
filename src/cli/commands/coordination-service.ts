import { EXIT } from '../../base/exit-code.js'
import { usageError, type FlagSpec } from '../arguments.js'
import { parseCoordination, print, type CoordinationArguments } from '../coordination-arguments.js'
import { ServiceDirectory } from '../../coordination/group/services.js'
import { renderServices, toServiceJson } from '../render-coordination.js'

const REASON: FlagSpec = { flag: '--reason', value: 'TEXT', help: 'Why; others read it.' }

/** `launcher services`: exit 1 when one that is not disabled is down. */
export async function services(argv: readonly string[]): Promise<number> {
  const parsed = parseCoordination(argv)
  const records = await parsed.withSource((source) => new ServiceDirectory(source).list())
  const shown = records.map(toServiceJson)
  print(parsed, shown, renderServices(shown))
  return shown.some(({ state }) => state === 'down') ? EXIT.failure : EXIT.clean
}

/** `launcher service enable|disable NAME`. @throws CodedError SERVICE_NOT_FOUND, USAGE */
export async function service(argv: readonly string[]): Promise<number> {
  const parsed = parseCoordination(argv, { actions: { command: 'service', names: ['enable', 'disable'] }, operands: ['the name of a service'], flags: [REASON] })
  return parsed.action === 'enable' ? await enable(parsed) : await disable(parsed)
}

async function enable(parsed: CoordinationArguments): Promise<number> {
  const [id = ''] = parsed.operands
  await parsed.withSource((source) => new ServiceDirectory(source).enable(id))
  return print(parsed, { id, disabled: false, disabledReason: null }, `enabled ${id}\n`)
}

async function disable(parsed: CoordinationArguments): Promise<number> {
  const [id = ''] = parsed.operands
  const reason = parsed.valueOf(REASON.flag)
  if (!reason) throw usageError(`Cannot disable "${id}" as others need to know why: --reason TEXT`)
  await parsed.withSource((source) => new ServiceDirectory(source).disable(id, reason))
  return print(parsed, { id, disabled: true, disabledReason: reason }, `disabled ${id}: it takes no new work (${reason})\n`)
}
