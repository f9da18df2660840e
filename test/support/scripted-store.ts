import { CodedError } from '#src/base/errors.js'
import { EmbeddedStore } from '#src/coordination/embedded/embedded-store.js'
import type { LeaseTime, LeaseTimer } from '#src/coordination/lease/lease-time.js'
import type * as store from '#src/coordination/store.js'
import { FakeClock } from './fake-clock.js'

export type LeaseCommand = 'acquire' | 'extend' | 'release' | 'amend' | 'readResource'

/** `fail`: not executed; `lose`: executed, without an answer; a promise: executed, and answered after it. */
export type Fate = 'pass' | 'fail' | 'lose' | Promise<void>

/** The embedded store over a clock that the test moves, behind a connection whose faults the test writes. */
export class ScriptedStore implements store.CoordinationStore {
  readonly features: store.StoreFeatures
  /** What was sent, in order. */
  readonly sent: { readonly command: LeaseCommand; readonly request: unknown }[] = []
  /** Wake-ups are lost. */
  deaf = false
  readonly #inner: store.CoordinationStore
  readonly #fates = new Map<LeaseCommand, Fate[]>()
  readonly #always = new Map<LeaseCommand, Fate>()
  readonly #gaps = new Set<() => void>()

  constructor(inner: store.CoordinationStore) {
    this.#inner = inner
    this.features = inner.features
  }

  /** What becomes of the next calls, one each. */
  next(command: LeaseCommand, ...fates: readonly Fate[]): void {
    this.#fates.set(command, [...this.#fates.get(command) ?? [], ...fates])
  }

  /** What becomes of every call that `next` does not speak of. */
  always(command: LeaseCommand, fate: Fate): void {
    this.#always.set(command, fate)
  }

  gap(): void {
    for (const listener of this.#gaps) listener()
  }

  count(command: LeaseCommand): number {
    return this.sent.filter((each) => each.command === command).length
  }

  acquire(request: store.AcquireRequest): Promise<store.AcquireReply> {
    return this.#play('acquire', request, () => this.#inner.acquire(request))
  }

  extend(requests: readonly store.ExtendRequest[]): Promise<readonly store.ExtendReply[]> {
    return this.#play('extend', requests, () => this.#inner.extend(requests))
  }

  release(request: store.ReleaseRequest): Promise<store.ReleaseReply> {
    return this.#play('release', request, () => this.#inner.release(request))
  }

  amend(request: Parameters<store.CoordinationStore['amend']>[0]): Promise<boolean> {
    return this.#play('amend', request, () => this.#inner.amend(request))
  }

  readResource(name: string): Promise<store.ResourceSnapshot | undefined> {
    return this.#play('readResource', name, () => this.#inner.readResource(name))
  }

  forceRelease: store.CoordinationStore['forceRelease'] = (request) => this.#inner.forceRelease(request)
  listResources: store.CoordinationStore['listResources'] = (kind) => this.#inner.listResources(kind)
  beat: store.CoordinationStore['beat'] = (requests) => this.#inner.beat(requests)
  leave: store.CoordinationStore['leave'] = (request) => this.#inner.leave(request)
  mark: store.CoordinationStore['mark'] = (request) => this.#inner.mark(request)
  readGroup: store.CoordinationStore['readGroup'] = (group) => this.#inner.readGroup(group)
  groupVersion: store.CoordinationStore['groupVersion'] = (group) => this.#inner.groupVersion(group)
  listGroups: store.CoordinationStore['listGroups'] = () => this.#inner.listGroups()
  deleteGroup: store.CoordinationStore['deleteGroup'] = (group) => this.#inner.deleteGroup(group)
  status: store.CoordinationStore['status'] = () => this.#inner.status()
  close: store.CoordinationStore['close'] = () => this.#inner.close()

  subscribe(topic: string, listener: () => void): Promise<() => void> {
    return this.#inner.subscribe(topic, () => { if (!this.deaf) listener() })
  }

  onWake(listener: (id: string) => void): void {
    this.#inner.onWake((id) => { if (!this.deaf) listener(id) })
  }

  onGap(listener: () => void): () => void {
    this.#gaps.add(listener)
    return () => { this.#gaps.delete(listener) }
  }

  async #play<T>(command: LeaseCommand, request: unknown, call: () => Promise<T>): Promise<T> {
    this.sent.push({ command, request })
    const fate = this.#fates.get(command)?.shift() ?? this.#always.get(command) ?? 'pass'
    if (fate === 'fail') throw unavailable()
    const reply = await call()
    if (fate === 'lose') throw unavailable()
    await fate
    return reply
  }
}

/** Both clocks of a lease: the monotonic one is `clock`, the wall clock may be set. */
export class FakeLeaseTime implements LeaseTime {
  readonly clock: FakeClock
  /** Added to the wall clock. */
  wallJumpMs = 0

  constructor(clock: FakeClock) {
    this.clock = clock
  }

  mono(): number {
    return this.clock.now()
  }

  wall(): number {
    return 1_700_000_000_000 + this.clock.now() + this.wallJumpMs
  }

  timer(ms: number, ring: () => void): LeaseTimer {
    const cancelled = new AbortController()
    this.clock.sleep(ms, cancelled.signal).then(ring, () => undefined)
    return { cancel: () => { cancelled.abort() }, keepAlive: () => undefined }
  }
}

/** An embedded store on a fake clock. `connect()` gives a further client of it. */
export function scriptedWorld(options: { readonly quarantineMs?: number } = {}): { clock: FakeClock; time: FakeLeaseTime; connect: () => ScriptedStore; close: () => Promise<void> } {
  const clock = new FakeClock()
  const hub = new EmbeddedStore({ clock, wallClock: () => 1_700_000_000_000, ...options })
  const time = new FakeLeaseTime(clock)
  return { clock, time, connect: () => new ScriptedStore(hub.client('a test')), close: () => hub.close() }
}

function unavailable(): CodedError {
  return new CodedError('COORDINATION_UNAVAILABLE', 'Cannot ask the store as the script says so')
}
