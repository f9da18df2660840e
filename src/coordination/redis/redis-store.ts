import { CodedError } from '../../base/errors.js'
import type {
  AcquireReply, AcquireRequest, BeatReply, BeatRequest, CoordinationStore, ExtendReply, ExtendRequest, GroupSnapshot, HolderSnapshot,
  ReleaseReply, ReleaseRequest, ResourceKind, ResourceSnapshot, StoreFeatures, StoreStatus,
} from '../store.js'
import { GroupReader } from './group-reader.js'
import { epochKey, groupKey, groupKeys, groupOfMembersKey, membersPattern, queueKey, resourceKey, resourceOfKey, resourcePattern, topicChannel } from './keys.js'
import { GRANTED, OTHER_EPOCH, parseAcquire, type AcquireCodes } from './parse-acquire.js'
import { recordTail } from './record-tail.js'
import { parseEnded, parseResource } from './parse-resource.js'
import type { Epoch, RedisPort, RedisScript } from './port.js'
import { ACQUIRE_SCRIPT } from './scripts/acquire.js'
import { AMEND_SCRIPT } from './scripts/amend.js'
import { BEAT_SCRIPT } from './scripts/beat.js'
import { DELETE_GROUP_SCRIPT } from './scripts/delete-group.js'
import { EXTEND_SCRIPT } from './scripts/extend.js'
import { FORCE_RELEASE_SCRIPT } from './scripts/force-release.js'
import { LEAVE_SCRIPT } from './scripts/leave.js'
import { MARK_SCRIPT } from './scripts/mark.js'
import { READ_RESOURCE_SCRIPT } from './scripts/read-resource.js'
import { RELEASE_SCRIPT } from './scripts/release.js'
import { SERVER_TIME_SCRIPT } from './scripts/server-time.js'

export interface RedisStoreOptions {
  /** How long what was ever held or waited for is remembered after its last lease. Default 3 600 000. */
  readonly retentionMs?: number
  /** `replica`: a lease counts as granted when a replica has it. Default `async`. */
  readonly durability?: 'async' | 'replica'
  /** For tests that own the store's time: µs since 1970, in place of the server's clock. */
  readonly now?: () => number
}

type Arguments = (string | number)[]

/** How many leases, beats or resources one script looks at: the server does nothing else meanwhile. */
const BATCH = 128

const RELEASE_REPLIES: readonly ReleaseReply[] = ['gone', 'released', 'left', 'kept']

/**
 * The store that a Redis is: each call is one script, so that it happens whole, at one
 * moment of the server's clock, and may be repeated.
 *
 * Guaranteed, while the server keeps what it has acknowledged: what every store
 * guarantees. A server that was restarted, emptied or promoted grants nothing for
 * `maxTtlMs`, so that a lease it has forgotten is over before another is given; not so
 * in Cluster. Not guaranteed: that it keeps it. Replication is asynchronous, and a
 * master that is cut off with a client goes on granting until `min-replicas-to-write`
 * stops it. There only the fence protects; `durability: 'replica'` makes it rarer.
 *
 * A lock that nobody else wants is kept cheap: acquire and release touch one key, and
 * neither here nor there is anything parsed that need not be.
 */
export class RedisStore implements CoordinationStore {
  readonly features: StoreFeatures
  readonly #port: RedisPort
  readonly #retentionMs: number
  readonly #durable: boolean
  readonly #now: (() => number) | undefined
  readonly #batch: number
  readonly #groups: GroupReader
  #wake: ((id: string) => void) | undefined
  /** The subscription to the wake channel, made for the first request that may queue. */
  #hearing: Promise<unknown> | undefined
  #heard = false

  constructor(port: RedisPort, options: RedisStoreOptions = {}) {
    this.features = { driver: 'redis', boundToConnection: false, acrossHosts: true, oneServer: port.kind !== 'cluster' }
    this.#port = port
    this.#retentionMs = options.retentionMs ?? 3_600_000
    this.#durable = options.durability === 'replica'
    this.#now = options.now
    this.#groups = new GroupReader(port)
    // In Cluster two resources are seldom on one server.
    this.#batch = port.kind === 'cluster' ? 1 : BATCH
  }

  /** @throws CodedError COORDINATION_UNAVAILABLE, COORDINATION_REFUSED, COORDINATION_NOT_REPLICATED */
  async acquire(request: AcquireRequest): Promise<AcquireReply> {
    if (request.waitMs > 0 && !this.#heard) await this.#hear()
    if (this.#port.epoch === undefined) await this.#port.verifyEpoch()
    let codes = await this.#tryAcquire(request)
    if (codes[0] === OTHER_EPOCH) {
      await this.#port.verifyEpoch()
      codes = await this.#tryAcquire(request)
    }
    if (codes[0] === OTHER_EPOCH) throw unverified(request.name)
    return parseAcquire(codes)
  }

  async extend(requests: readonly ExtendRequest[]): Promise<readonly ExtendReply[]> {
    const left = await this.#inBatches(requests, EXTEND_SCRIPT, (request, keys, args) => {
      this.#addResource(keys, request.name)
      args.push(request.id, request.ttlMs)
    })
    return (left as readonly number[]).map((leftMs) => ({ leftMs }))
  }

  async release(request: ReleaseRequest): Promise<ReleaseReply> {
    const args = [request.id, request.unclean ? 1 : '', request.to ?? '', request.onlyTo ? 1 : '']
    const reply = await this.#run(RELEASE_SCRIPT, this.#resourceKeys(request.name), args)
    return RELEASE_REPLIES[reply as number] ?? 'gone'
  }

  async amend({ name, id, record }: { readonly name: string; readonly id: string; readonly record: string }): Promise<boolean> {
    return await this.#run(AMEND_SCRIPT, this.#resourceKeys(name), [id, recordTail(record)]) === 1
  }

  async forceRelease({ name, by, lockDelayMs }: { readonly name: string; readonly by: string; readonly lockDelayMs: number }): Promise<readonly HolderSnapshot[]> {
    return parseEnded(await this.#run(FORCE_RELEASE_SCRIPT, this.#resourceKeys(name), [by, lockDelayMs, this.#retentionMs]) as readonly string[])
  }

  async readResource(name: string): Promise<ResourceSnapshot | undefined> {
    const [resource] = await this.#readResources([name])
    return resource
  }

  async listResources(kind: ResourceKind): Promise<readonly ResourceSnapshot[]> {
    const { prefix } = this.#port
    const keys = await this.#port.scan(resourcePattern(prefix, kind))
    const resources = await this.#readResources(keys.map((key) => resourceOfKey(prefix, key)))
    return resources.filter((each) => each !== undefined).filter(isInUse).sort((a, b) => a.name < b.name ? -1 : 1)
  }

  async beat(requests: readonly BeatRequest[]): Promise<readonly BeatReply[]> {
    const replies = await this.#inBatches(requests, BEAT_SCRIPT, ({ group, member, ttlMs, record, keep }, keys, args) => {
      keys.push(...groupKeys(this.#port.prefix, group))
      args.push(member, ttlMs, record ?? '', keep ? 1 : '')
    })
    return (replies as readonly (readonly [number, number, number])[])
      .map(([version, joined, holding]) => ({ version, joined: joined === 1, holding: holding === 1 }))
  }

  async leave({ group, member }: { readonly group: string; readonly member: string }): Promise<boolean> {
    return await this.#runOnGroup(LEAVE_SCRIPT, group, [member, this.#retentionMs]) === 1
  }

  async mark({ group, member, mark }: { readonly group: string; readonly member: string; readonly mark: string | null }): Promise<boolean> {
    return await this.#runOnGroup(MARK_SCRIPT, group, [member, mark ?? '']) === 1
  }

  readGroup(group: string): Promise<GroupSnapshot> {
    return this.#groups.read(group, this.#serverTime(groupKey(this.#port.prefix, group)))
  }

  async groupVersion(group: string): Promise<number> {
    return Number(await this.#port.command('HGET', groupKey(this.#port.prefix, group), 'version') ?? 0)
  }

  /** Those that have a member, sorted. */
  async listGroups(): Promise<readonly string[]> {
    const { prefix } = this.#port
    const keys = await this.#port.scan(membersPattern(prefix))
    return keys.map((key) => groupOfMembersKey(prefix, key)).sort()
  }

  async deleteGroup(group: string): Promise<'deleted' | 'missing' | 'not empty'> {
    const reply = await this.#runOnGroup(DELETE_GROUP_SCRIPT, group, [])
    if (reply === 1) return 'deleted'
    return reply === 0 ? 'missing' : 'not empty'
  }

  subscribe(topic: string, listener: () => void): Promise<() => void> {
    return this.#port.subscribe(topicChannel(this.#port.prefix, topic), () => listener())
  }

  /** Nobody is heard before the first request that may queue. */
  onWake(listener: (id: string) => void): void {
    this.#wake = listener
  }

  onGap(listener: () => void): () => void {
    return this.#port.onGap(listener)
  }

  /** `quarantinedMs` is 0 while the server cannot be asked for its time. */
  async status(): Promise<StoreStatus> {
    const { connected, url, warnings } = this.#port.status()
    return { connected, url, warnings, quarantinedMs: connected ? await this.#quarantinedMs() : 0 }
  }

  close(): Promise<void> {
    return this.#port.close()
  }

  async #tryAcquire(request: AcquireRequest): Promise<AcquireCodes> {
    const { epoch } = this.#port
    if (epoch === undefined) throw unverified(request.name)
    const keys = this.#acquireKeys(request.name)
    const args = this.#acquireArguments(request, epoch)
    return this.#durable ? this.#acquireDurably(request, keys, args) : await this.#port.run(ACQUIRE_SCRIPT, keys, args) as AcquireCodes
  }

  #acquireKeys(name: string): readonly string[] {
    const key = resourceKey(this.#port.prefix, name)
    return this.#port.kind === 'cluster' ? [key, queueKey(key)] : [key, queueKey(key), epochKey(this.#port.prefix)]
  }

  #acquireArguments(request: AcquireRequest, epoch: Epoch): Arguments {
    const args = [
      request.id, request.weight, request.capacity, request.ttlMs, request.lockDelayMs, request.waitMs, recordTail(request.record),
      this.#port.wakeChannel, this.#retentionMs, epoch.value, epoch.until,
    ]
    if (this.#now) args.push(this.#now())
    return args
  }

  /** A grant that only one server knows of is given back. */
  async #acquireDurably({ name, id }: AcquireRequest, keys: readonly string[], args: Arguments): Promise<AcquireCodes> {
    const { reply, replicas } = await this.#port.runDurably(ACQUIRE_SCRIPT, keys, args)
    const codes = reply as AcquireCodes
    if (codes[0] !== GRANTED || replicas >= 1) return codes
    await this.release({ name, id })
    throw new CodedError('COORDINATION_NOT_REPLICATED', `Cannot acquire "${name}" as a replica must have it, too: none took it in time`, { details: { name } })
  }

  /** Subscribes to the wake channel, if somebody wants to hear; after a failure the next request tries again. */
  async #hear(): Promise<void> {
    if (!this.#wake) return
    this.#hearing ??= this.#port.subscribe(this.#port.wakeChannel, (id) => this.#wake?.(id))
    try {
      await this.#hearing
      this.#heard = true
    } catch (error) {
      this.#hearing = undefined
      throw error
    }
  }

  async #readResources(names: readonly string[]): Promise<readonly (ResourceSnapshot | undefined)[]> {
    const batches = await Promise.all(chunks(names, this.#batch).map(async (batch) => {
      const keys: string[] = []
      for (const name of batch) this.#addResource(keys, name)
      const [now, ...parts] = await this.#run(READ_RESOURCE_SCRIPT, keys, []) as readonly [number, ...(readonly string[])[]]
      return batch.map((name, index) => parseResource(name, now, parts[2 * index] ?? [], parts[2 * index + 1] ?? []))
    }))
    return batches.flat()
  }

  /** Runs a script whose answer is a list, one element for each request; `add` appends a request's keys and arguments. */
  async #inBatches<Request>(requests: readonly Request[], script: RedisScript, add: (request: Request, keys: string[], args: Arguments) => void): Promise<readonly unknown[]> {
    const replies = await Promise.all(chunks(requests, this.#batch).map((batch) => {
      const keys: string[] = []
      const args: Arguments = [this.#retentionMs]
      for (const request of batch) add(request, keys, args)
      return this.#run(script, keys, args) as Promise<readonly unknown[]>
    }))
    return replies.flat(1)
  }

  async #quarantinedMs(): Promise<number> {
    const until = this.#port.epoch?.until ?? 0
    if (until === 0) return 0
    try {
      return Math.max(0, until - await this.#serverTime(epochKey(this.#port.prefix)))
    } catch {
      return 0
    }
  }

  /** Ms since 1970. `key`: any, for the way to the server. */
  async #serverTime(key: string): Promise<number> {
    return await this.#run(SERVER_TIME_SCRIPT, [key], []) as number
  }

  #addResource(keys: string[], name: string): void {
    const key = resourceKey(this.#port.prefix, name)
    keys.push(key, queueKey(key))
  }

  #resourceKeys(name: string): readonly string[] {
    const key = resourceKey(this.#port.prefix, name)
    return [key, queueKey(key)]
  }

  #runOnGroup(script: RedisScript, group: string, args: Arguments): Promise<unknown> {
    return this.#run(script, groupKeys(this.#port.prefix, group), args)
  }

  /** `args` is the call's own array: the time of a test goes behind it. */
  #run(script: RedisScript, keys: readonly string[], args: Arguments): Promise<unknown> {
    if (this.#now) args.push(this.#now())
    return this.#port.run(script, keys, args)
  }
}

function unverified(name: string): CodedError {
  return new CodedError('COORDINATION_UNAVAILABLE', `Cannot acquire "${name}" as the server must be the one that was verified: it changes`, { details: { name } })
}

function isInUse({ holders, waiters, closedMs }: ResourceSnapshot): boolean {
  return holders.length > 0 || waiters.length > 0 || closedMs > 0
}

function chunks<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  const parts: T[][] = []
  for (let at = 0; at < all.length; at += size) parts.push(all.slice(at, at + size))
  return parts
}
