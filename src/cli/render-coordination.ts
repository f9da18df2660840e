import { isRecord } from '../admin/protocol.js'
import { flattenMembers } from '../coordination/group/host-record.js'
import type { ServiceRecord } from '../coordination/contract.js'
import { memberOf } from '../coordination/names.js'
import type { GroupSnapshot, HolderSnapshot, ResourceSnapshot } from '../coordination/store.js'
import { renderAge, renderTable, type Column } from './table.js'

/** What `launcher locks --json` prints of a lock, and `lock show --json`. */
export interface LockJson {
  readonly name: string
  readonly capacity: number
  /** The last one that was given out, as decimal text. */
  readonly fence: string
  readonly holders: readonly HolderJson[]
  /** In the order of the queue. */
  readonly waiters: readonly { readonly member: string; readonly weight: number; readonly leftMs: number }[]
  /** What is left of a lock delay, in ms. */
  readonly closedMs: number
  readonly last: string
}

export interface HolderJson {
  readonly member: string
  readonly host: string | null
  readonly pid: number | null
  readonly worker: string | null
  readonly fence: string
  readonly weight: number
  /** ISO 8601, by the store's clock. */
  readonly since: string
  /** By this machine's clock. */
  readonly ageMs: number
  readonly leftMs: number
}

/** What `launcher leaders --json` prints of an election. */
export interface LeaderJson {
  readonly name: string
  readonly leader: string | null
  readonly host: string | null
  readonly pid: number | null
  readonly worker: string | null
  readonly epoch: string | null
  readonly since: string | null
  readonly ageMs: number | null
  readonly leftMs: number | null
  readonly value: unknown
  /** Who campaigns, in the order of the queue. */
  readonly candidates: readonly string[]
}

export interface GroupJson {
  readonly name: string
  readonly members: number
  readonly version: number
}

export interface MemberJson {
  readonly id: string
  readonly host: string | null
  readonly capabilities: Readonly<Record<string, unknown>>
  /** Until it counts as dead unless it is heard of again, in ms. */
  readonly leftMs: number
}

/** What `launcher services --json` prints of a service. */
export interface ServiceJson {
  readonly id: string
  readonly state: 'up' | 'down' | 'disabled'
  readonly up: boolean
  readonly disabled: boolean
  readonly disabledReason: string | null
  readonly lastSeenMs: number
  readonly record: Readonly<Record<string, unknown>>
}

/** `now`: ms since 1970. */
export function toLockJson({ name, capacity, fence, holders, waiters, closedMs, last }: ResourceSnapshot, now: number): LockJson {
  return {
    name: withoutKind(name), capacity, fence: String(fence),
    holders: holders.map((holder) => toHolderJson(holder, now)),
    waiters: waiters.map(({ id, weight, leftMs }) => ({ member: memberOf(id), weight, leftMs })),
    closedMs, last,
  }
}

export function toHolderJson({ id, record, fence, weight, since, leftMs }: HolderSnapshot, now: number): HolderJson {
  return { ...whoIs(id, record), fence: String(fence), weight, since: new Date(since).toISOString(), ageMs: Math.max(0, now - since), leftMs }
}

export function toLeaderJson({ name, holders: [holder], waiters }: ResourceSnapshot, now: number): LeaderJson {
  const candidates = waiters.map(({ id }) => memberOf(id))
  if (!holder) return { name: withoutKind(name), leader: null, host: null, pid: null, worker: null, epoch: null, since: null, ageMs: null, leftMs: null, value: null, candidates }
  const { member, host, pid, worker, fence, since, ageMs, leftMs } = toHolderJson(holder, now)
  return { name: withoutKind(name), leader: member, host, pid, worker, epoch: fence, since, ageMs, leftMs, value: holder.record['value'] ?? null, candidates }
}

export function toGroupJson(name: string, { members, version }: GroupSnapshot): GroupJson {
  return { name, members: flattenMembers(members).length, version }
}

/** A member lives as long as the record of the host that it is in. */
export function toMembersJson({ members: hosts }: GroupSnapshot): MemberJson[] {
  return flattenMembers(hosts).map(({ id, host, capabilities }) => {
    const records = hosts.filter(({ record }) => isRecord(record['members']) && Object.hasOwn(record['members'], id))
    return { id, host: host ?? null, capabilities, leftMs: Math.max(...records.map(({ leftMs }) => leftMs)) }
  })
}

/** A disabled service is meant to take no work: whether it is up is no matter. */
export function toServiceJson({ id, up, disabled, disabledReason, lastSeenMs, record }: ServiceRecord): ServiceJson {
  const running = up ? 'up' : 'down'
  return { id, state: disabled ? 'disabled' : running, up, disabled, disabledReason: disabledReason ?? null, lastSeenMs, record }
}

/** A row a holder; a lock that nobody holds but that is waited for, or closed, has one, too. */
export function renderLocks(locks: readonly LockJson[]): string {
  if (locks.length === 0) return 'no lock is held\n'
  return renderTable(LOCK_COLUMNS, locks.flatMap((lock): LockRow[] => {
    return lock.holders.length === 0 ? [{ lock, holder: undefined }] : lock.holders.map((holder) => ({ lock, holder }))
  }))
}

interface LockRow {
  readonly lock: LockJson
  readonly holder: HolderJson | undefined
}

const LOCK_COLUMNS: readonly Column<LockRow>[] = [
  ['LOCK', ({ lock }) => lock.name],
  ['HOLDER', ({ lock, holder }) => holder?.member ?? (lock.closedMs > 0 ? `(closed for ${renderAge(lock.closedMs)})` : '(nobody)')],
  ['HOST', ({ holder }) => holder?.host ?? '-'],
  ['PID', ({ holder }) => dashed(holder?.pid)],
  ['WORKER', ({ holder }) => holder?.worker ?? '-'],
  ['SINCE', ({ holder }) => holder?.since ?? '-'],
  ['AGE', ({ holder }) => holder ? renderAge(holder.ageMs) : '-'],
  ['FENCE', ({ holder }) => holder?.fence ?? '-'],
  ['WEIGHT', ({ lock, holder }) => holder ? `${holder.weight}/${lock.capacity}` : `0/${lock.capacity}`],
  ['LEFT', ({ holder }) => holder ? renderAge(holder.leftMs) : '-'],
  ['QUEUE', ({ lock }) => String(lock.waiters.length)],
]

/** One lock with its queue; undefined: the store knows nothing of it. */
export function renderLock(name: string, lock: LockJson | undefined): string {
  if (!lock) return `${name} is free\n`
  const free = lock.closedMs > 0 ? `held by nobody, and closed for ${renderAge(lock.closedMs)} more` : 'free'
  const lines = [`${name} is ${lock.holders.length === 0 ? free : `held by ${lock.holders.map(({ member }) => member).join(', ')}`}`]
  if (lock.last !== '') lines.push(`last: ${lock.last}`)
  const holders = lock.holders.length === 0 ? '' : `\n${renderTable(LOCK_COLUMNS.slice(1, -1), lock.holders.map((holder) => ({ lock, holder })))}`
  const queue = lock.waiters.length === 0 ? '' : `\n${renderTable(WAITER_COLUMNS, [...lock.waiters.entries()])}`
  return `${lines.join('\n')}\n${holders}${queue}`
}

const WAITER_COLUMNS: readonly Column<readonly [number, LockJson['waiters'][number]]>[] = [
  ['QUEUE', ([position]) => String(position + 1)],
  ['WAITING', ([, { member }]) => member],
  ['WEIGHT', ([, { weight }]) => String(weight)],
]

export function renderLeaders(leaders: readonly LeaderJson[]): string {
  return leaders.length === 0 ? 'there is no leader\n' : renderTable(LEADER_COLUMNS, leaders)
}

const LEADER_COLUMNS: readonly Column<LeaderJson>[] = [
  ['ELECTION', ({ name }) => name],
  ['LEADER', ({ leader }) => leader ?? '(nobody)'],
  ['HOST', ({ host }) => host ?? '-'],
  ['PID', ({ pid }) => dashed(pid)],
  ['WORKER', ({ worker }) => worker ?? '-'],
  ['EPOCH', ({ epoch }) => epoch ?? '-'],
  ['SINCE', ({ since }) => since ?? '-'],
  ['AGE', ({ ageMs }) => ageMs === null ? '-' : renderAge(ageMs)],
  ['CANDIDATES', ({ candidates }) => String(candidates.length)],
  ['VALUE', ({ value }) => value === null ? '-' : oneLine(value)],
]

export function renderGroups(groups: readonly GroupJson[]): string {
  return groups.length === 0 ? 'there is no group\n' : renderTable(GROUP_COLUMNS, groups)
}

const GROUP_COLUMNS: readonly Column<GroupJson>[] = [
  ['GROUP', ({ name }) => name],
  ['MEMBERS', ({ members }) => String(members)],
  ['VERSION', ({ version }) => String(version)],
]

export function renderMembers(members: readonly MemberJson[]): string {
  return members.length === 0 ? 'the group has no member\n' : renderTable(MEMBER_COLUMNS, members)
}

const MEMBER_COLUMNS: readonly Column<MemberJson>[] = [
  ['MEMBER', ({ id }) => id],
  ['HOST', ({ host }) => host ?? '-'],
  ['LEFT', ({ leftMs }) => leftMs > 0 ? renderAge(leftMs) : `dead for ${renderAge(-leftMs)}`],
  ['CAPABILITIES', ({ capabilities }) => oneLine(capabilities)],
]

export function renderServices(services: readonly ServiceJson[]): string {
  return services.length === 0 ? 'no service has ever reported\n' : renderTable(SERVICE_COLUMNS, services)
}

const SERVICE_COLUMNS: readonly Column<ServiceJson>[] = [
  ['SERVICE', ({ id }) => id],
  ['STATE', ({ state }) => state],
  ['LAST SEEN', ({ lastSeenMs }) => renderAge(lastSeenMs)],
  ['REASON', ({ disabledReason }) => disabledReason ?? '-'],
]

/** `lock:volume-7` → `volume-7`. */
function withoutKind(resource: string): string {
  return resource.slice(resource.indexOf(':') + 1)
}

/** What a holder tells of itself is what it pleases: anything else than expected is taken as not told. */
function whoIs(id: string, record: Readonly<Record<string, unknown>>): Pick<HolderJson, 'member' | 'host' | 'pid' | 'worker'> {
  const text = (value: unknown): string | null => typeof value === 'string' ? value : null
  const { host, pid, worker } = record
  return { member: memberOf(id), host: text(host), pid: typeof pid === 'number' ? pid : null, worker: text(worker) }
}

function dashed(value: number | null | undefined): string {
  return value === null || value === undefined ? '-' : String(value)
}

const MAX_SHOWN_CHARS = 200

function oneLine(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length <= MAX_SHOWN_CHARS ? text : `${text.slice(0, MAX_SHOWN_CHARS)}…`
}
