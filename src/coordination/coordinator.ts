import { randomBytes } from 'node:crypto'
import { systemClock } from '../base/clock.js'
import { CodedError } from '../base/errors.js'
import { systemRandom } from '../base/random.js'
import { hostLink } from '../ipc/host-link.js'
import type {
  Coordinator as CoordinatorContract, CoordinatorOptions, CoordinatorStatus, Election, Group, GroupOptions, HashRing, Lock, LockOptions, ReadWriteLock, Semaphore, ServiceRecords,
} from './contract.js'
import { createElection } from './election/election.js'
import { createGroup } from './group/group.js'
import { GroupViews } from './group/group-view.js'
import { HostMembership } from './group/host-membership.js'
import type { Membership } from './group/membership.js'
import { createServiceRecords } from './group/services.js'
import { LauncherLink } from './host/launcher-link.js'
import { LeaseKeeper } from './lease/lease-keeper.js'
import { createLock } from './lease/lock.js'
import { createReadWriteLock } from './lease/read-write-lock.js'
import { createSemaphore } from './lease/semaphore.js'
import { checkName } from './names.js'
import { featuresOf, openStore } from './open-store.js'
import { OpeningStore } from './opening-store.js'
import { resolveCoordinatorOptions } from './options.js'
import { createHashRing, type GroupHashRing } from './ring/hash-ring.js'
import { parseCoordinationUrl } from './url.js'

export interface CoordinatorSettings {
  readonly url: string
  readonly memberId: string
  readonly options?: CoordinatorOptions
}

/**
 * Puts the parts together: a store that opens with its first use, above it the
 * keeper of this process's leases, beside that its groups. In a worker the launcher
 * is the member of groups, and knows which leases it may have to give back; any other
 * process is on its own.
 */
export class Coordinator implements CoordinatorContract {
  readonly memberId: string
  readonly services: ServiceRecords
  readonly #link: LauncherLink | undefined
  readonly #store: OpeningStore
  readonly #keeper: LeaseKeeper
  readonly #views: GroupViews
  readonly #membership: Membership
  readonly #groups = new Map<string, Group>()
  readonly #rings = new Map<string, GroupHashRing>()
  #stopped: Promise<void> | undefined

  /** @throws CodedError COORDINATION_URL_INVALID; RangeError, TypeError for options out of their bounds */
  constructor({ url, memberId, options = {} }: CoordinatorSettings) {
    checkName('member', memberId)
    const target = parseCoordinationUrl(url)
    const resolved = resolveCoordinatorOptions(target, options)
    const { host, log, ttlMs, maxTtlMs } = resolved
    // A worker that names another store is on its own there.
    const link = hostLink()
    const inWorker = link?.url === url ? link : undefined
    this.memberId = memberId
    this.#link = inWorker && new LauncherLink(inWorker)
    this.#store = new OpeningStore(featuresOf(target), () => openStore(target, { ...resolved, memberId, channel: this.#link?.channel }))
    this.#keeper = new LeaseKeeper(this.#store, {
      memberId, incarnation: `${process.pid}.${randomBytes(4).toString('hex')}`, record: { member: memberId, host, pid: process.pid, ...resolved.about }, ttlMs, maxTtlMs, log,
      ...(this.#link?.register && { register: this.#link.register }),
    })
    this.#views = new GroupViews({ store: this.#store, clock: systemClock, random: systemRandom, log, memberId })
    this.#membership = this.#link?.membership ?? new HostMembership(this.#store, { hostMember: memberId, host, pid: process.pid, clock: systemClock, random: systemRandom, log })
    this.services = createServiceRecords(this.#store)
  }

  async start(): Promise<void> {
    this.#assertNotStopped('start')
    await this.#store.opened()
  }

  /** Connected, and whatever was asked for by now is held or in its queue. @throws as `start` */
  async settled(): Promise<void> {
    await this.start()
    await this.#keeper.asked()
  }

  /** What is released from now on goes first to the next process of this member, where that waits for it already. */
  handOver(): void {
    this.#keeper.succeededBy(this.memberId)
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  lock(name: string, options?: LockOptions): Lock {
    return createLock(this.#keeper, name, options)
  }

  readWriteLock(name: string, options?: LockOptions): ReadWriteLock {
    return createReadWriteLock(this.#keeper, name, options)
  }

  semaphore(name: string, options: LockOptions & { readonly limit: number }): Semaphore {
    return createSemaphore(this.#keeper, name, options)
  }

  election(name: string, options?: LockOptions): Election {
    return createElection(this.#keeper, this.#store, name, options)
  }

  /** The same object for the same name: it knows whether it has joined. The options of the first count. */
  group(name: string, options?: GroupOptions): Group {
    const known = this.#groups.get(name)
    if (known) return known
    const group = createGroup({ views: this.#views, membership: this.#membership, memberId: this.memberId }, name, options)
    this.#groups.set(name, group)
    return group
  }

  async groups(): Promise<readonly string[]> {
    return await this.#store.listGroups()
  }

  async deleteGroup(name: string): Promise<void> {
    checkName('group', name)
    const outcome = await this.#store.deleteGroup(name)
    if (outcome === 'missing') throw new CodedError('GROUP_NOT_FOUND', `Cannot delete the group "${name}" as there is none of that name`)
    if (outcome === 'not empty') throw new CodedError('GROUP_NOT_EMPTY', `Cannot delete the group "${name}" as it has members`)
  }

  hashRing(group: string): HashRing {
    const known = this.#rings.get(group)
    if (known) return known
    checkName('group', group)
    const ring = createHashRing({ view: this.#views.of(group), membership: this.#membership, memberId: this.memberId, lockOf: (name, options) => this.lock(name, options), clock: systemClock, random: systemRandom })
    this.#rings.set(group, ring)
    return ring
  }

  async status(): Promise<CoordinatorStatus> {
    const { driver } = this.#store.features
    return { driver, ...await this.#store.status() }
  }

  /** In the order in which others may count on it: what is held, then that this member is there. */
  async #stop(): Promise<void> {
    await Promise.all([...this.#rings.values()].map((ring) => ring.stop()))
    await this.#keeper.stop()
    await this.#membership.stop()
    await this.#views.close()
    await this.#store.close()
    this.#link?.close()
  }

  #assertNotStopped(act: string): void {
    if (this.#stopped) throw new CodedError('COORDINATOR_STOPPED', `Cannot ${act} the coordinator as it was stopped: ${this.memberId}`)
  }
}
