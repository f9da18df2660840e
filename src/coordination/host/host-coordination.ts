import { systemClock } from '../../base/clock.js'
import { messageOf } from '../../base/errors.js'
import { systemRandom } from '../../base/random.js'
import type { LeaseNote } from '../../ipc/lease-register.js'
import type { CoordinationLog } from '../contract.js'
import { EmbeddedStore } from '../embedded/embedded-store.js'
import { HostMembership } from '../group/host-membership.js'
import { openStore } from '../open-store.js'
import { resolveCoordinatorOptions } from '../options.js'
import type { CoordinationStore, StoreStatus } from '../store.js'
import { parseCoordinationUrl, type CoordinationTarget } from '../url.js'
import { DeadLeases } from './dead-leases.js'
import { WorkerPlaces } from './worker-places.js'
import { WorkerSession, type SessionHost, type SessionOptions } from './worker-session.js'

export interface HostCoordinationOptions {
  /** Option `coordination_url`. */
  readonly url: string
  /** Option `host`. */
  readonly host: string
  /** The launcher's name. */
  readonly name: string
  readonly log: CoordinationLog
}

/**
 * What a launcher does for the coordination of its workers, and only a parent can:
 * with `embedded:` it is the store; it gives back at once what a dead worker held;
 * and it is one member of every group for all of its workers. It never renews a
 * lease: a worker that does not run loses what it holds.
 *
 * Nothing is connected before the first worker says that it wants to.
 */
export class HostCoordination implements SessionHost {
  readonly places: WorkerPlaces
  readonly embedded: EmbeddedStore | undefined
  readonly #options: HostCoordinationOptions
  readonly #target: CoordinationTarget
  readonly #deadLeases: DeadLeases
  #store: Promise<CoordinationStore> | undefined
  #opened: CoordinationStore | undefined
  #trouble = 'it is connecting'
  #sessions = 0

  /** @throws CodedError COORDINATION_URL_INVALID */
  constructor(options: HostCoordinationOptions) {
    const target = parseCoordinationUrl(options.url)
    this.#options = options
    this.#target = target
    this.embedded = target.driver === 'embedded' && target.path === undefined ? new EmbeddedStore() : undefined
    this.places = new WorkerPlaces(() => this.#openMembership())
    this.#deadLeases = new DeadLeases({ store: () => this.store(), maxTtlMs: resolveCoordinatorOptions(target).maxTtlMs, log: options.log })
  }

  /** A worker that has just been forked. */
  attach(options: Omit<SessionOptions, 'number'>): WorkerSession {
    return new WorkerSession(this, { ...options, number: ++this.#sessions })
  }

  /** Connected. @throws CodedError COORDINATION_UNAVAILABLE: asked again, it tries again */
  store(): Promise<CoordinationStore> {
    if (this.embedded) return Promise.resolve(this.embedded)
    const opening = this.#store ?? this.#open()
    this.#store = opening
    return opening
  }

  /** What a dead worker may have held is given back, and its places in groups are. */
  async bury(session: WorkerSession, notes: readonly LeaseNote[]): Promise<void> {
    // What the store sees by itself, as the connection has closed, needs no help.
    const releases = this.embedded || notes.length === 0 ? [] : [this.#deadLeases.release(notes)]
    await Promise.all([...releases, this.places.removeAll(session)])
  }

  /** How it is now; nothing is waited for. */
  async status(): Promise<StoreStatus> {
    const store = this.embedded ?? this.#opened
    const unknown = { url: this.#target.url, connected: false, quarantinedMs: 0 }
    return store ? await store.status().catch((error: unknown) => ({ ...unknown, warnings: [messageOf(error)] })) : { ...unknown, warnings: [this.#trouble] }
  }

  /** Leaves every group and closes the connections. */
  async stop(): Promise<void> {
    await this.places.stop()
    await this.#deadLeases.stop()
    const store = await this.#store?.catch(() => undefined)
    await store?.close()
    await this.embedded?.close()
  }

  async #open(): Promise<CoordinationStore> {
    try {
      this.#opened = await openStore(this.#target, { memberId: this.#hostMember, log: this.#options.log, mayServe: true })
      return this.#opened
    } catch (error) {
      this.#trouble = messageOf(error)
      this.#store = undefined
      throw error
    }
  }

  async #openMembership(): Promise<HostMembership> {
    const { host, log } = this.#options
    return new HostMembership(await this.store(), { hostMember: this.#hostMember, host, pid: process.pid, clock: systemClock, random: systemRandom, log })
  }

  get #hostMember(): string {
    return `${this.#options.host}/${this.#options.name}`
  }
}
