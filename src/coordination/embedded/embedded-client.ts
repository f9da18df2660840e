import { CodedError } from '../../base/errors.js'
import type {
  AcquireReply, AcquireRequest, BeatReply, BeatRequest, CoordinationStore, ExtendReply, ExtendRequest, GroupSnapshot,
  HolderSnapshot, ReleaseReply, ReleaseRequest, ResourceKind, ResourceSnapshot, StoreFeatures, StoreStatus,
} from '../store.js'
import type { EmbeddedHub, Participant } from './embedded-hub.js'

/** What is true of every embedded store, near or over a channel. */
export const EMBEDDED_FEATURES: StoreFeatures = { driver: 'embedded', boundToConnection: true, acrossHosts: false, oneServer: true }

/**
 * One participant of an embedded store. Its leases are its own: `disconnect()` says
 * that it is dead.
 */
export class EmbeddedClient implements CoordinationStore {
  readonly features = EMBEDDED_FEATURES
  readonly name: string
  readonly #hub: EmbeddedHub
  readonly #subscriptions = new Set<() => void>()
  readonly #participant: Participant
  #wake: (id: string) => void = () => {}
  #connected = true

  constructor(hub: EmbeddedHub, name: string) {
    this.#hub = hub
    this.name = name
    this.#participant = { requests: new Map(), wake: (id) => { if (this.#connected) this.#wake(id) } }
  }

  async acquire(request: AcquireRequest): Promise<AcquireReply> {
    const { leases, now } = this.#open()
    const reply = this.#hub.pass(leases.acquire(request, now))
    if (reply.status === 'granted' || (reply.status === 'busy' && reply.position >= 0)) this.#hub.own(this.#participant, request.id, request.name)
    return reply
  }

  async extend(requests: readonly ExtendRequest[]): Promise<readonly ExtendReply[]> {
    const { leases, now } = this.#open()
    return leases.extend(requests, now)
  }

  async release(request: ReleaseRequest): Promise<ReleaseReply> {
    const { leases, now } = this.#open()
    return this.#hub.pass(leases.release(request, now))
  }

  async amend(request: { readonly name: string; readonly id: string; readonly record: string }): Promise<boolean> {
    const { leases, now } = this.#open()
    return this.#hub.pass(leases.amend(request, now))
  }

  async forceRelease(request: { readonly name: string; readonly by: string; readonly lockDelayMs: number }): Promise<readonly HolderSnapshot[]> {
    const { leases, now } = this.#open()
    return this.#hub.pass(leases.forceRelease(request, now))
  }

  async readResource(name: string): Promise<ResourceSnapshot | undefined> {
    const { leases, now } = this.#open()
    return leases.read(name, now)
  }

  async listResources(kind: ResourceKind): Promise<readonly ResourceSnapshot[]> {
    const { leases, now } = this.#open()
    return leases.list(kind, now)
  }

  async beat(requests: readonly BeatRequest[]): Promise<readonly BeatReply[]> {
    const { groups, now } = this.#open()
    return requests.map((request) => this.#hub.pass(groups.beat(request, now)))
  }

  async leave(request: { readonly group: string; readonly member: string }): Promise<boolean> {
    return this.#hub.pass(this.#open().groups.leave(request))
  }

  async mark(request: { readonly group: string; readonly member: string; readonly mark: string | null }): Promise<boolean> {
    return this.#hub.pass(this.#open().groups.mark(request))
  }

  async readGroup(group: string): Promise<GroupSnapshot> {
    const { groups, now } = this.#open()
    return groups.read(group, now)
  }

  async groupVersion(group: string): Promise<number> {
    return this.#open().groups.version(group)
  }

  async listGroups(): Promise<readonly string[]> {
    return this.#open().groups.list()
  }

  async deleteGroup(group: string): Promise<'deleted' | 'missing' | 'not empty'> {
    const { groups, now } = this.#open()
    return this.#hub.pass(groups.delete(group, now))
  }

  async subscribe(topic: string, listener: () => void): Promise<() => void> {
    let listening = true
    const end = this.#open().subscribe(topic, () => { if (listening) listener() })
    const unsubscribe = (): void => {
      listening = false
      this.#subscriptions.delete(unsubscribe)
      end()
    }
    this.#subscriptions.add(unsubscribe)
    return unsubscribe
  }

  onWake(listener: (id: string) => void): void {
    this.#wake = listener
  }

  /** Nothing is ever missed. */
  onGap(): () => void {
    return () => {}
  }

  async status(): Promise<StoreStatus> {
    const { leases, now } = this.#hub
    return { connected: this.#connected && !this.#hub.closed, quarantinedMs: leases.quarantinedMs(now), url: 'embedded:', warnings: [] }
  }

  /** The same as `disconnect()`: leases are bound to the connection. */
  async close(): Promise<void> {
    this.disconnect()
  }

  /**
   * A certificate of death. What it holds is released at once, as the end of one who
   * did not end his work: lock delays begin. It waits no more and hears no more.
   * Members of groups stay until they are dead by the time of their beats.
   */
  disconnect(): void {
    if (!this.#connected) return
    this.#connected = false
    for (const unsubscribe of [...this.#subscriptions]) unsubscribe()
    if (this.#hub.closed) return
    const { leases, now } = this.#hub
    for (const [id, name] of [...this.#participant.requests]) this.#hub.pass(leases.release({ name, id, unclean: true }, now))
    this.#hub.rest()
  }

  /** It is cut off, but may live: what it holds and waits for ends by its own time, and may be renewed over another connection. */
  abandon(): void {
    if (!this.#connected) return
    this.#connected = false
    for (const unsubscribe of [...this.#subscriptions]) unsubscribe()
  }

  /** @throws CodedError COORDINATION_UNAVAILABLE */
  #open(): EmbeddedHub {
    if (this.#connected && !this.#hub.closed) return this.#hub
    throw new CodedError('COORDINATION_UNAVAILABLE', `Cannot ask the embedded store as "${this.name}" is connected to it: ${this.#connected ? 'the store is closed' : 'it is not'}`)
  }
}
