/**
 * What a service uses to agree with others: leases (locks, semaphores, leaders)
 * and groups. `getCoordinator(url, memberId)` gives one; in a worker it is
 * `context.coordinator`.
 *
 * Guaranteed while the store keeps its word: at most `capacity` holders at a
 * moment of the store's clock, in the order of asking; a fence that grows with every
 * grant, for ever; `lost` before anyone else can hold, as long as the event loop runs.
 * Not guaranteed: that a process which stood still stops in time. Only the resource
 * can refuse it, by the fence.
 */
export interface Coordinator extends AsyncDisposable {
  readonly memberId: string
  /** Connects. Done by itself with the first use; twice is once. @throws CodedError COORDINATION_UNAVAILABLE, COORDINATION_UNSAFE */
  start(): Promise<void>
  /** Releases what is held, leaves every group, closes the connections. Later uses throw COORDINATOR_STOPPED. */
  stop(): Promise<void>
  /** One holder. */
  lock(name: string, options?: LockOptions): Lock
  /** Many readers or one writer. A queued writer is not overtaken. */
  readWriteLock(name: string, options?: LockOptions): ReadWriteLock
  /** `limit` permits. A big request is not overtaken by small ones. All users must give the same limit. */
  semaphore(name: string, options: LockOptions & { readonly limit: number }): Semaphore
  election(name: string, options?: LockOptions): Election
  group(name: string, options?: GroupOptions): Group
  /** Names of the groups that have a member. */
  groups(): Promise<readonly string[]>
  /** @throws CodedError GROUP_NOT_EMPTY, GROUP_NOT_FOUND */
  deleteGroup(name: string): Promise<void>
  /** Who owns which key, by the members of a group and their capability `weight`. */
  hashRing(group: string): HashRing
  readonly services: ServiceRecords
  status(): Promise<CoordinatorStatus>
}

export interface CoordinatorOptions {
  /** Name of this host, for operators. Default: the machine's. */
  readonly host?: string
  /** What operators see beside host and pid: `{ worker: 'volume/0' }`. */
  readonly about?: Readonly<Record<string, string | number>>
  /** See LockOptions.ttlMs. Default 15 000 or `maxTtlMs`, whichever is less. */
  readonly ttlMs?: number
  /** The longest lease, and how long nothing is granted after the store may have forgotten. Default 15 000; 250…3 600 000. */
  readonly maxTtlMs?: number
  /** `strict`: start only where an acknowledged lease cannot be forgotten. Default `efficient`. */
  readonly safety?: 'efficient' | 'strict'
  /** `replica`: a lease is granted when a replica has it, too (Redis WAIT). Default `async`. */
  readonly durability?: 'async' | 'replica'
  /** How long a command may take, in ms. Default: a tenth of `ttlMs`, 100…1 000. */
  readonly commandTimeoutMs?: number
  /** Told of connections lost and found, quarantines, unsafe settings. Default: silent. */
  readonly log?: CoordinationLog
}

export interface CoordinationLog {
  info(message: string, fields?: object): void
  warn(message: string, fields?: object): void
}

export interface LockOptions {
  /** How long a lease lives when nobody renews it, in ms; renewal is automatic. 250…maxTtlMs. */
  readonly ttlMs?: number
  /** For so long after a holder died or lost its lease nobody gets it, in ms: time for its last writes to arrive. Default 0. */
  readonly lockDelayMs?: number
  /** What happens when work under `use()` has not ended at the lease's end. Default `warn`: the event `overrun`. `kill`: this process, by SIGKILL. */
  readonly overrun?: 'warn' | 'kill'
}

export interface AcquireOptions {
  /** Stops waiting; rejects with its reason. */
  readonly signal?: AbortSignal
  /** How long to wait, in ms. Default: for ever. */
  readonly timeoutMs?: number
}

export interface Lock {
  readonly name: string
  /** @throws CodedError LOCK_TIMEOUT, LOCK_CAPACITY_MISMATCH */
  acquire(options?: AcquireOptions): Promise<HeldLock>
  /** Undefined when it is not to be had at once: somebody holds it or waits for it, or nothing is granted for a while (a lock delay, a quarantine). @throws CodedError COORDINATION_UNAVAILABLE */
  tryAcquire(): Promise<HeldLock | undefined>
  /** Runs `work` with the lock. Within it, a further `use` of this lock, from the same async call, takes no other. */
  use<T>(work: (held: HeldLock) => T | Promise<T>, options?: AcquireOptions): Promise<T>
  /** The operator's: ends every hold, whoever has it, and keeps it closed for `lockDelayMs`. How many holds it ended. */
  break(options?: { readonly lockDelayMs?: number }): Promise<number>
  /** Who holds and who waits; undefined: nobody. */
  inspect(): Promise<LockView | undefined>
}

export interface ReadWriteLock {
  readonly name: string
  readonly read: Lock
  readonly write: Lock
}

export interface Semaphore extends Lock {
  readonly limit: number
  /** `weight`: how many permits. Default 1. */
  acquire(options?: AcquireOptions & { readonly weight?: number }): Promise<HeldLock>
  tryAcquire(options?: { readonly weight?: number }): Promise<HeldLock | undefined>
}

export type HeldLockEvent = 'suspect' | 'recovered' | 'lost' | 'overrun'

/** A lease that is held. Leaving its scope (`await using`) releases it. */
export interface HeldLock extends AsyncDisposable {
  readonly name: string
  /** Grows with every holder, for ever. Send it with each write and let the resource refuse an older one. */
  readonly fence: bigint
  /** Computed from the clocks when asked: exact in the first statement after any pause. */
  readonly held: boolean
  /** How long it is held for certain without a further renewal, in ms; 0: not. */
  readonly remainingMs: number
  /** Aborts, with LOCK_LOST, before anyone else can hold. Pass it to all work done under the lock. Does not abort on release. */
  readonly lost: AbortSignal
  /** @throws CodedError LOCK_LOST */
  assertHeld(): void
  /** Only lengthens: at least `ttlMs` from now. Renewal is automatic; this is for work that is about to block the loop. @throws CodedError LOCK_LOST, COORDINATION_UNAVAILABLE */
  extend(ttlMs?: number): Promise<void>
  /** Asks the store. */
  isStillOwner(): Promise<boolean>
  /** False: it was no longer ours. Never throws. */
  release(): Promise<boolean>
  /** Gives it to the oldest waiting request of that member. False, and still held: that member does not wait. */
  transfer(memberId: string): Promise<boolean>
  /** `suspect`: a renewal failed; `recovered`: a later one did not; `lost`; `overrun`: see LockOptions. */
  on(event: HeldLockEvent, listener: () => void): this
}

/** A holder as operators see it. */
export interface HolderView {
  readonly memberId: string
  readonly fence: bigint
  readonly weight: number
  /** When it was granted, ms since 1970 by the store's clock. */
  readonly since: number
  readonly leftMs: number
  readonly host: string | undefined
  readonly pid: number | undefined
  readonly worker: string | undefined
}

export interface LockView {
  readonly name: string
  readonly capacity: number
  readonly holders: readonly HolderView[]
  /** In the order of the queue. */
  readonly waiters: readonly { readonly memberId: string; readonly weight: number }[]
  readonly closedMs: number
  readonly last: string
}

export interface Leader {
  readonly memberId: string
  readonly epoch: bigint
  readonly value: unknown
  readonly since: number
}

export interface Election {
  readonly name: string
  /** Resolves when elected. @throws the signal's reason; CodedError LOCK_TIMEOUT */
  campaign(options?: AcquireOptions & { readonly value?: unknown }): Promise<Leadership>
  leader(): Promise<Leader | undefined>
  /** The leader now, then each change; changes in quick succession may be one. Ends with the signal. */
  observe(options?: { readonly signal?: AbortSignal }): AsyncIterable<Leader | undefined>
}

export interface Leadership extends AsyncDisposable {
  /** The fence of this term. */
  readonly epoch: bigint
  readonly leading: boolean
  /** Aborts, with LOCK_LOST, before anyone else can lead. */
  readonly lost: AbortSignal
  /** Tells a new value to all observers. @throws CodedError LOCK_LOST */
  proclaim(value: unknown): Promise<void>
  resign(): Promise<boolean>
  /** Resigns in favour of that member. False, and still leading: it does not campaign. */
  yieldTo(memberId: string): Promise<boolean>
}

export interface GroupOptions {
  /** From the last beat to being dropped, in ms; beats are sent every third of it. Default 15 000. */
  readonly ttlMs?: number
}

export type Capabilities = Readonly<Record<string, unknown>>

export interface GroupMember {
  readonly id: string
  readonly host: string | undefined
  readonly capabilities: Capabilities
}

export interface GroupChange {
  readonly version: number
  /** All of them, sorted by id. */
  readonly members: readonly GroupMember[]
  readonly joined: readonly string[]
  readonly left: readonly string[]
  /** Whose capabilities are others now. */
  readonly updated: readonly string[]
}

export interface Group {
  readonly name: string
  /** @throws CodedError GROUP_ALREADY_JOINED */
  join(options?: { readonly capabilities?: Capabilities }): Promise<void>
  /** @throws CodedError GROUP_NOT_JOINED */
  update(capabilities: Capabilities): Promise<void>
  /** False: it was not in the group. */
  leave(): Promise<boolean>
  members(): Promise<readonly GroupMember[]>
  /** The members now, then every change; the final state is always delivered, flaps in between may be one. Ends with the signal. */
  watch(options?: { readonly signal?: AbortSignal }): AsyncIterable<GroupChange>
  /** Calls `listener` when this member had been taken for dead and has been put back: what it owned may be another's. */
  onRejoined(listener: () => void): this
}

export interface HashRing {
  readonly group: string
  /** The members that own `key`, the first first. Empty: the group is. Default 1. */
  owners(key: string, options?: { readonly replicas?: number }): Promise<readonly string[]>
  /** Whether this member owns it, by what it knows now: intent, not exclusion. For that see `shards`. */
  isMine(key: string): Promise<boolean>
  /** The ring now, then each change. */
  watch(options?: { readonly signal?: AbortSignal }): AsyncIterable<RingChange>
  /** Owns this member's part of `count` shards, each under a lock, so that no shard has two owners at once. */
  shards(count: number, options?: LockOptions): Promise<ShardOwner>
}

export interface RingChange {
  readonly version: number
  /** Sorted. */
  readonly members: readonly string[]
  owners(key: string, replicas?: number): readonly string[]
  isMine(key: string): boolean
}

export interface ShardOwner extends AsyncDisposable {
  /** 0…count-1, the same in every process. */
  shardOf(key: string): number
  /** The lock of the shard that `key` is in, when it is held here. */
  lockOf(key: string): HeldLock | undefined
  /** Shards that are held here now, sorted. */
  readonly owned: readonly number[]
  on(event: 'gained' | 'lost', listener: (shard: number) => void): this
  stop(): Promise<void>
}

export interface ServiceRecord {
  readonly id: string
  readonly record: Readonly<Record<string, unknown>>
  readonly up: boolean
  /** Since the last report, in ms, by the store's clock. */
  readonly lastSeenMs: number
  readonly disabled: boolean
  readonly disabledReason: string | undefined
}

export interface ServiceRecords {
  /** Says that service `id` is up, for `ttlMs` (default 60 000). Its record outlives it. */
  report(id: string, record: Readonly<Record<string, unknown>>, options?: { readonly ttlMs?: number }): Promise<void>
  list(): Promise<readonly ServiceRecord[]>
  /** By the store's clock. False: it is down, or there is none. */
  isUp(id: string): Promise<boolean>
  /** @throws CodedError SERVICE_NOT_FOUND */
  enable(id: string): Promise<void>
  /** It takes no new work. @throws CodedError SERVICE_NOT_FOUND */
  disable(id: string, reason: string): Promise<void>
  /** Drops a record, of a host that will not come back. False: there is none. */
  forget(id: string): Promise<boolean>
}

export interface CoordinatorStatus {
  readonly driver: 'embedded' | 'redis'
  readonly url: string
  readonly connected: boolean
  readonly quarantinedMs: number
  readonly warnings: readonly string[]
}
