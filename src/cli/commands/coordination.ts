import { CodedError } from '../../base/errors.js'
import { SERVICES_GROUP } from '../../coordination/group/services.js'
import { parseCoordination, print } from '../coordination-arguments.js'
import { renderGroups, renderLeaders, renderLocks, renderMembers, toGroupJson, toLeaderJson, toLockJson, toMembersJson } from '../render-coordination.js'

/** `launcher locks`: every lock that is held, waited for, or closed. */
export async function locks(argv: readonly string[]): Promise<number> {
  const parsed = parseCoordination(argv)
  const found = await parsed.withSource((source) => source.listResources('lock'))
  const shown = found.map((resource) => toLockJson(resource, Date.now()))
  return print(parsed, shown, renderLocks(shown))
}

export async function leaders(argv: readonly string[]): Promise<number> {
  const parsed = parseCoordination(argv)
  const found = await parsed.withSource((source) => source.listResources('leader'))
  const shown = found.map((resource) => toLeaderJson(resource, Date.now()))
  return print(parsed, shown, renderLeaders(shown))
}

/** Service records, which are kept as a group, have a command of their own. */
export async function groups(argv: readonly string[]): Promise<number> {
  const parsed = parseCoordination(argv)
  const shown = await parsed.withSource(async (source) => {
    const names = (await source.listGroups()).filter((name) => name !== SERVICES_GROUP)
    return await Promise.all(names.map(async (name) => toGroupJson(name, await source.readGroup(name))))
  })
  return print(parsed, shown, renderGroups(shown))
}

/** @throws CodedError GROUP_NOT_FOUND */
export async function members(argv: readonly string[]): Promise<number> {
  const parsed = parseCoordination(argv, { operands: ['the name of a group'] })
  const [group = ''] = parsed.operands
  const snapshot = await parsed.withSource((source) => source.readGroup(group))
  if (snapshot.version === 0) throw new CodedError('GROUP_NOT_FOUND', `Cannot show the members of "${group}" as there is no such group`)
  const shown = toMembersJson(snapshot)
  return print(parsed, shown, renderMembers(shown))
}
