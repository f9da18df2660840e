/**
 * What a driver does: the contract below which `embedded` and `redis` differ.
 *
 * A store is one table of leases and one of groups, with a clock of its own; every
 * duration that it judges is judged by that clock, never by a client's. Everything
 * above (when a lease counts as lost, who renews, how a waiter waits, elections,
 * rings) is written once, in lease/, election/, group/ and ring/.
 *
 * Rules for every driver:
 *  - each call takes effect whole or not at all, at one moment of the store's clock;
 *  - each call may be repeated: an answer that was lost is asked for again with the
 *    same `id`, and a second release is a no-op;
 *  - a rejected call may have taken effect. It rejects with COORDINATION_UNAVAILABLE
 *    within the command's deadline; nothing waits for a reconnection.
 *
 * A resource's name begins with its kind: `lock:volume-42`, `leader:cleaner`.
 */
export interface CoordinationStore {
  readonly features: StoreFeatures

  /** Grants, or puts the request into the resource's queue, or refreshes it there. */
  acquire(request: AcquireRequest): Promise<AcquireReply>
  /** Lengthens leases, never shortens one; answers in the order of the requests. A `ttlMs` of 0 only looks. */
  extend(requests: readonly ExtendRequest[]): Promise<readonly ExtendReply[]>
  /** Gives a lease back, or leaves the queue, whichever `id` is in. Unknown ids are no error. */
  release(request: ReleaseRequest): Promise<ReleaseReply>
  /** Replaces what a holder tells of itself; false when `id` holds nothing. */
  amend(request: { readonly name: string; readonly id: string; readonly record: string }): Promise<boolean>
  /** The operator's release of every holder, whoever it is. The resource stays closed for `lockDelayMs`. Written into `last`. */
  forceRelease(request: { readonly name: string; readonly by: string; readonly lockDelayMs: number }): Promise<readonly HolderSnapshot[]>
  readResource(name: string): Promise<ResourceSnapshot | undefined>
  /** Every resource that has a holder, a waiter or a lock delay, of this kind (`lock`, `leader`), sorted by name. */
  listResources(kind: ResourceKind): Promise<readonly ResourceSnapshot[]>

  /** Joins, or goes on being, in several groups at once; answers in the order of the requests. One round trip where the store can. */
  beat(requests: readonly BeatRequest[]): Promise<readonly BeatReply[]>
  /** False when the member was not in the group. The record is dropped. */
  leave(request: { readonly group: string; readonly member: string }): Promise<boolean>
  /** What an operator has written about a member, kept apart from its own record; null takes it away. False: no such member. */
  mark(request: { readonly group: string; readonly member: string; readonly mark: string | null }): Promise<boolean>
  readGroup(group: string): Promise<GroupSnapshot>
  /** What `readGroup` gives as `version`, for less. */
  groupVersion(group: string): Promise<number>
  listGroups(): Promise<readonly string[]>
  deleteGroup(group: string): Promise<'deleted' | 'missing' | 'not empty'>

  /**
   * Calls `listener` at every change of a group (`group:NAME`) or of an election
   * (`leader:NAME`). At most once, and perhaps not at all: what must be seen is
   * also asked for from time to time, and after every gap. Resolves when the store has it.
   */
  subscribe(topic: string, listener: () => void): Promise<() => void>
  /** Sets who hears that a queued request may be tried again now. One listener. */
  onWake(listener: (id: string) => void): void
  /** Sets who hears that messages may have been missed: a lost connection is back. Called after it works again. */
  onGap(listener: () => void): () => void

  status(): Promise<StoreStatus>
  /** Gives the connections back; leases are not released. */
  close(): Promise<void>
}

export type ResourceKind = 'lock' | 'leader'

export interface StoreFeatures {
  readonly driver: 'embedded' | 'redis'
  /** Leases end with the connection: the death of a process is seen at once. */
  readonly boundToConnection: boolean
  /** Several hosts can share it. */
  readonly acrossHosts: boolean
  /** False: it is several servers, of which one may be away; requests of one call then fail together, and are better made one by one. */
  readonly oneServer: boolean
}

export interface StoreStatus {
  readonly connected: boolean
  /** No lease is granted for so long: the store was restarted, failed over or emptied, and may have forgotten leases. 0: none. */
  readonly quarantinedMs: number
  /** Where it is, without a password: `redis://127.0.0.1:6379/0`. */
  readonly url: string
  /** What the operator should know: an evicting `maxmemory-policy`, say. */
  readonly warnings: readonly string[]
}

export interface AcquireRequest {
  readonly name: string
  /** Of this request alone: `MEMBER#INCARNATION.COUNTER`. What is before the last `#` is the member. */
  readonly id: string
  /** 1…capacity. */
  readonly weight: number
  /** How much may be held at once. All users of a resource must agree. */
  readonly capacity: number
  readonly ttlMs: number
  /** For so long after an unclean end of this lease nobody gets the resource. */
  readonly lockDelayMs: number
  /** How long the request stays in the queue without being repeated; 0: it does not queue. */
  readonly waitMs: number
  /** About the holder, for operators: the text of a JSON object. Its fields must not be called expires, fence, weight, delay, since. */
  readonly record: string
}

export type AcquireReply =
  /** `leftMs` from the moment of the store's answer. `replayed`: this id held it already. */
  | { readonly status: 'granted'; readonly fence: bigint; readonly leftMs: number; readonly replayed: boolean }
  /** `position` in the queue, 0 the head; -1 when it does not queue. `retryMs`: until the first lease or lock delay in the way ends, at the latest. */
  | { readonly status: 'busy'; readonly position: number; readonly queued: number; readonly retryMs: number }
  /** See StoreStatus.quarantinedMs. */
  | { readonly status: 'quarantined'; readonly leftMs: number }
  /** It is held or awaited with another capacity. */
  | { readonly status: 'mismatch'; readonly capacity: number }

export interface ExtendRequest {
  readonly name: string
  readonly id: string
  readonly ttlMs: number
}

/** `leftMs` 0: the lease is gone, whether it expired, was released by force, or was forgotten. */
export interface ExtendReply {
  readonly leftMs: number
}

export interface ReleaseRequest {
  readonly name: string
  readonly id: string
  /** The holder did not end the work itself (it died): its lock delay begins. */
  readonly unclean?: boolean
  /** The oldest waiting request of this member goes to the head of the queue. */
  readonly to?: string
  /** With `to`: when that member does not wait, nothing is done and the answer is `kept`. */
  readonly onlyTo?: boolean
}

/** `released`: it was held; `left`: it waited; `gone`: neither; `kept`: see `onlyTo`. */
export type ReleaseReply = 'released' | 'left' | 'gone' | 'kept'

export interface HolderSnapshot {
  readonly id: string
  readonly fence: bigint
  readonly weight: number
  /** When it was granted, ms since 1970 by the store's clock. */
  readonly since: number
  readonly leftMs: number
  readonly record: Readonly<Record<string, unknown>>
}

export interface WaiterSnapshot {
  readonly id: string
  readonly weight: number
  /** Until it would be dropped from the queue if it asked no more. */
  readonly leftMs: number
}

export interface ResourceSnapshot {
  readonly name: string
  readonly capacity: number
  /** The last fence that was given out. */
  readonly fence: bigint
  /** Those whose lease has not ended; oldest first. */
  readonly holders: readonly HolderSnapshot[]
  /** In the order of the queue. */
  readonly waiters: readonly WaiterSnapshot[]
  /** What is left of a lock delay, 0: none. */
  readonly closedMs: number
  /** The last unusual end of a lease, for people: `expired ID fence 17… at 17…`, `forced by …`. Empty: none. */
  readonly last: string
}

export interface BeatRequest {
  readonly group: string
  readonly member: string
  readonly ttlMs: number
  /** The text of a JSON object; undefined: as it was (`{}` for a new member). */
  readonly record: string | undefined
  /** The record and the membership outlive the ttl: such a member is only down. For service records. */
  readonly keep: boolean
}

export interface BeatReply {
  readonly version: number
  /** It was not in the group: at its first beat, or when it had been taken for dead. The next beat should carry the record. */
  readonly joined: boolean
  /** Nobody could beat for a while, so nobody is dropped for one ttl. */
  readonly holding: boolean
}

export interface StoredMember {
  readonly id: string
  readonly record: Readonly<Record<string, unknown>>
  readonly mark: Readonly<Record<string, unknown>> | undefined
  /** Until it counts as dead, by the store's clock; 0 or less: it does, since so long. */
  readonly leftMs: number
}

export interface GroupSnapshot {
  /** Grows with each change; 0: there is no such group. */
  readonly version: number
  /** Sorted by id. */
  readonly members: readonly StoredMember[]
}
