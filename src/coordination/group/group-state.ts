import type { GroupChange, GroupMember } from '../contract.js'
import type { GroupSnapshot, StoredMember } from '../store.js'
import { flattenMembers, sortById } from './host-record.js'

/** Who is in a group, as far as is known here. */
export interface GroupState {
  /** The store's. It grows with each change that the store has seen; a member that nobody has dropped yet goes without it. */
  readonly version: number
  /** Sorted by id. */
  readonly members: readonly GroupMember[]
  /** When the first of their hosts counts as dead unless it beats, by `Clock.now()`; Infinity: never. */
  readonly nextEndAt: number
  /** Until when some are in whom the store does not confirm; -Infinity: none. See `GroupMemory`. */
  readonly doubtfulUntil: number
}

/** Those whose time has not ended by the store's clock. */
export function livingMembers(snapshot: GroupSnapshot): readonly GroupMember[] {
  return flattenMembers(snapshot.members.filter(isAlive))
}

/**
 * Makes states of snapshots, and does not take the store's death for that of the members.
 *
 * While the store is away nobody can beat, and when it comes back empty nobody has.
 * So for one ttl after messages or answers were missed, a member that the store still
 * lists is in, though its time is over; and for one ttl after the store has forgotten
 * (its version has gone back) those that were in before remain. Within that ttl
 * every living host beats again.
 */
export class GroupMemory {
  #last: GroupState | undefined
  #interrupted = false
  #lenientUntil = -Infinity
  #remembered: readonly GroupMember[] = []
  #longestLeftMs = 0

  /** Messages or answers were missed. */
  interrupt(): void {
    this.#interrupted = true
  }

  /** `now`: `Clock.now()` when the snapshot came. */
  take(snapshot: GroupSnapshot, now: number): GroupState {
    this.#judge(snapshot, now)
    const lenient = now < this.#lenientUntil
    const living = snapshot.members.filter(isAlive)
    const confirmed = flattenMembers(living)
    const members = lenient ? union(flattenMembers(snapshot.members), this.#remembered) : confirmed
    this.#last = {
      version: snapshot.version,
      members,
      nextEndAt: Math.min(...living.map(({ leftMs }) => now + leftMs)),
      doubtfulUntil: members.length > confirmed.length ? this.#lenientUntil : -Infinity,
    }
    return this.#last
  }

  #judge(snapshot: GroupSnapshot, now: number): void {
    // The ttl, nearly: that of a member which has just beaten.
    this.#longestLeftMs = Math.max(this.#longestLeftMs, ...snapshot.members.map(({ leftMs }) => leftMs))
    const forgotten = this.#last !== undefined && snapshot.version < this.#last.version
    if (forgotten || this.#interrupted) this.#lenientUntil = now + this.#longestLeftMs
    if (forgotten) this.#remembered = this.#last?.members ?? []
    else if (now >= this.#lenientUntil) this.#remembered = []
    this.#interrupted = false
  }
}

/** What has changed between two states; undefined: nothing that a member tells. Without an earlier state everybody has joined. */
export function changeBetween(earlier: GroupState | undefined, later: GroupState): GroupChange | undefined {
  const before = new Map(earlier?.members.map((member) => [member.id, member]))
  const after = new Set(later.members.map(({ id }) => id))
  const joined = later.members.filter(({ id }) => !before.has(id)).map(({ id }) => id)
  const left = [...before.keys()].filter((id) => !after.has(id))
  const updated = later.members.filter((member) => {
    const known = before.get(member.id)
    return known !== undefined && !isSameMember(known, member)
  }).map(({ id }) => id)
  if (earlier && joined.length + left.length + updated.length === 0) return undefined
  return { version: later.version, members: later.members, joined, left, updated }
}

/** One that is now on another host is not the same, though it tells the same. */
function isSameMember(a: GroupMember, b: GroupMember): boolean {
  return a === b || a.host === b.host && JSON.stringify(a.capabilities) === JSON.stringify(b.capabilities)
}

function isAlive(host: StoredMember): boolean {
  return host.leftMs > 0
}

/** `first` wins. */
function union(first: readonly GroupMember[], second: readonly GroupMember[]): readonly GroupMember[] {
  const known = new Set(first.map(({ id }) => id))
  return sortById([...first, ...second.filter(({ id }) => !known.has(id))])
}
