import type { BeatReply, BeatRequest, GroupSnapshot } from '../store.js'
import { Happened, type Outcome } from './happened.js'
import { parseRecord } from '../record.js'

/**
 * The groups of one store, without a clock or a timer: every step is given the
 * time, in µs since 1970. Each change of a group makes its version grow and is told
 * on `group:NAME`, once a step.
 *
 * Members that beat no more are dropped by anybody's next beat. After a time in
 * which nobody could beat it was the store that was away, not they: nobody is
 * dropped for one ttl.
 */
export class GroupTable {
  readonly #groups = new Map<string, GroupState>()

  beat(request: BeatRequest, nowUs: number): Outcome<BeatReply> {
    const now = Math.floor(nowUs / 1_000)
    const group = this.#open(request.group)
    const before = group.version
    holdAfterSilence(group, request.ttlMs, now)
    const joined = put(group, request, now)
    if (now >= group.holdUntil) reap(group, now)
    group.lastBeat = now
    return { reply: { version: group.version, joined, holding: now < group.holdUntil }, happened: changed(request.group, group.version > before) }
  }

  leave({ group: name, member }: { readonly group: string; readonly member: string }): Outcome<boolean> {
    const group = this.#groups.get(name)
    const was = group?.members.delete(member) ?? false
    if (group && was) group.version++
    return { reply: was, happened: changed(name, was) }
  }

  /** The same mark again is no change. */
  mark({ group: name, member: id, mark }: { readonly group: string; readonly member: string; readonly mark: string | null }): Outcome<boolean> {
    const group = this.#groups.get(name)
    const member = group?.members.get(id)
    if (!group || !member) return { reply: false, happened: new Happened() }
    const other = member.mark !== (mark ?? undefined)
    member.mark = mark ?? undefined
    if (other) group.version++
    return { reply: true, happened: changed(name, other) }
  }

  read(name: string, nowUs: number): GroupSnapshot {
    const now = Math.floor(nowUs / 1_000)
    const group = this.#groups.get(name)
    const members = [...group?.members ?? []].sort(([a], [b]) => a < b ? -1 : 1)
    return {
      version: group?.version ?? 0,
      members: members.map(([id, { record, mark, expires }]) => ({
        id, record: parseRecord(record), mark: mark === undefined ? undefined : parseRecord(mark), leftMs: expires - now,
      })),
    }
  }

  version(name: string): number {
    return this.#groups.get(name)?.version ?? 0
  }

  /** Those that have a member, sorted. */
  list(): readonly string[] {
    return [...this.#groups].filter(([, { members }]) => members.size > 0).map(([name]) => name).sort()
  }

  /** A member that is dead and would be dropped by the next beat is none. */
  delete(name: string, nowUs: number): Outcome<'deleted' | 'missing' | 'not empty'> {
    const now = Math.floor(nowUs / 1_000)
    const group = this.#groups.get(name)
    if (!group) return { reply: 'missing', happened: new Happened() }
    const stays = [...group.members.values()].some(({ expires, keep }) => keep || expires > now)
    if (stays) return { reply: 'not empty', happened: new Happened() }
    this.#groups.delete(name)
    return { reply: 'deleted', happened: changed(name, true) }
  }

  #open(name: string): GroupState {
    const known = this.#groups.get(name)
    if (known) return known
    const made: GroupState = { version: 0, lastBeat: undefined, holdUntil: 0, members: new Map() }
    this.#groups.set(name, made)
    return made
  }
}

/** How many dead members one beat drops at most. */
const MAX_REAPED = 64

/** Times are ms since 1970. */
interface GroupState {
  version: number
  lastBeat: number | undefined
  /** Until then nobody is dropped. */
  holdUntil: number
  readonly members: Map<string, MemberState>
}

interface MemberState {
  expires: number
  record: string
  mark: string | undefined
  keep: boolean
}

function holdAfterSilence(group: GroupState, ttlMs: number, now: number): void {
  const silent = group.lastBeat !== undefined && now - group.lastBeat > ttlMs / 2
  if (silent && group.members.size > 0) group.holdUntil = Math.max(group.holdUntil, now + ttlMs)
}

/** True: it was not a member. */
function put(group: GroupState, { member: id, ttlMs, record, keep }: BeatRequest, now: number): boolean {
  const member = group.members.get(id)
  const expires = now + ttlMs
  if (!member) {
    group.members.set(id, { expires, record: record ?? '{}', mark: undefined, keep })
    group.version++
    return true
  }
  if (record !== undefined && record !== member.record) {
    member.record = record
    group.version++
  }
  member.expires = expires
  member.keep = keep
  return false
}

/** The longest dead first. */
function reap(group: GroupState, now: number): void {
  const dead = [...group.members].filter(([, { expires, keep }]) => expires <= now && !keep)
    .sort(([, a], [, b]) => a.expires - b.expires)
  for (const [id] of dead.slice(0, MAX_REAPED)) {
    group.members.delete(id)
    group.version++
  }
}

function changed(name: string, really: boolean): Happened {
  const happened = new Happened()
  if (really) happened.topics.push(`group:${name}`)
  return happened
}
