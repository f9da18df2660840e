import { systemClock } from '../../base/clock.js'
import { messageOf } from '../../base/errors.js'
import { systemRandom } from '../../base/random.js'
import type { LeaseNote } from '../../ipc/lease-register.js'
import type { CoordinationLog } from '../contract.js'
import { EmbeddedStore } from '../embedded/embedded-store.js'
import { HostMembership } from '../group/host-membership.js'
import { openStore } from '../open-store.js'
import { resolveCoordinatorOptions } from '../options.js'
import type { CoordinationStore } from '../store.js'
import { parseCoordinationUrl, type CoordinationTarget } from '../url.js'
import { WorkerSession, type SessionHost } from './worker-session.js'

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
 * Nothing is loaded or connected before the first worker says that it wants to.
 */
export class HostCoordination implements SessionHost {
  readonly log: CoordinationLog
  readonly #options: HostCoordinationOptions
  readonly #target: CoordinationTarget
  readonly #sessions = new Set<WorkerSession>()
  /** Who put a member into a group last: only that worker's end takes it out again. */
  readonly #owners = new Map<string, WorkerSession>()
  readonly #embedded: EmbeddedStore | undefined
  #store: Promise<CoordinationStore> | undefined
  #membership: Promise<HostMembership> | undefined
  #watch: NodeJS.Timeout | undefined

  /** @throws CodedError COORDINATION_URL_INVALID */
  constructor(options: HostCoordinationOptions) {
    this.#options = options
    this.log = options.log
    this.#target = parseCoordinationUrl(options.url)
    this.#embedded = this.#target.driver === 'embedded' && this.#target.path === undefined ? new EmbeddedStore() : undefined
  }

  /** Without its password. */
  get url(): string {
    return this.#target.url
  }

  /** A worker that has just been forked; `send` sends to it. */
  attach(send: (body: unknown) => void): WorkerSession {
    const session = new WorkerSession(this, send)
    this.#sessions.add(session)
    return session
  }

  /** With `embedded:`, the store that the workers are clients of. */
  get embedded(): EmbeddedStore | undefined {
    return this.#embedded
  }

  /** Connected. @throws CodedError COORDINATION_UNAVAILABLE: asked again, it tries again */
  store(): Promise<CoordinationStore> {
    if (this.#embedded) return Promise.resolve(this.#embedded)
    const opening = this.#store ?? openStore(this.#target, { memberId: this.#hostMember, log: this.log, mayServe: true }).catch((error: unknown) => {
      this.#store = undefined
      throw error
    })
    this.#store = opening
    return opening
  }

  /** Puts a member of that worker into a group, for as long as the worker lives. */
  async put(session: WorkerSession, { group, member, capabilities, ttlMs }: Parameters<SessionHost['put']>[1]): Promise<void> {
    this.#owners.set(keyOf(group, member), session)
    await (await this.#members()).put(group, member, capabilities, ttlMs)
  }

  /** Of a member that another worker has put there meanwhile, nothing is taken away. */
  async remove(session: WorkerSession, group: string, member: string): Promise<boolean> {
    if (this.#owners.get(keyOf(group, member)) !== session) return true
    this.#owners.delete(keyOf(group, member))
    return await (await this.#members()).remove(group, member)
  }

  /** Gives back what a dead worker may have held; a lease that had ended already is no fault. */
  async bury(session: WorkerSession, notes: readonly LeaseNote[]): Promise<void> {
    this.#sessions.delete(session)
    const groups = [...this.#owners].filter(([, owner]) => owner === session).map(([key]) => key.split('\n') as [string, string])
    // What the driver sees by itself, as the connection has closed, needs no help.
    const releases = this.#embedded || notes.length === 0 ? [] : [this.#releaseAll(notes)]
    await Promise.all([...releases, ...groups.map(([group, member]) => this.remove(session, group, member))])
  }

  /** Leaves every group and closes the connections. */
  async stop(): Promise<void> {
    clearInterval(this.#watch)
    const membership = await this.#membership?.catch(() => undefined)
    await membership?.stop()
    const store = await this.#store?.catch(() => undefined)
    await store?.close()
    await this.#embedded?.close()
  }

  async #releaseAll(notes: readonly LeaseNote[]): Promise<void> {
    const end = systemClock.now() + resolveCoordinatorOptions(this.#target).maxTtlMs
    let left = notes
    // After the longest lease there is nothing left to give back.
    while (left.length > 0 && systemClock.now() < end) {
      try {
        const store = await this.store()
        const results = await Promise.allSettled(left.map(({ name, id }) => store.release({ name, id, unclean: true })))
        left = left.filter((_, index) => results[index]?.status === 'rejected')
        if (left.length === 0) return
      } catch (error) {
        this.log.warn(`leases of a dead worker are not released yet: ${messageOf(error)}`)
      }
      await systemClock.sleep(RETRY_MS)
    }
  }

  #members(): Promise<HostMembership> {
    const opening = this.#membership ?? this.#openMembership().catch((error: unknown) => {
      this.#membership = undefined
      throw error
    })
    this.#membership = opening
    return opening
  }

  async #openMembership(): Promise<HostMembership> {
    const { host } = this.#options
    const membership = new HostMembership(await this.store(), { hostMember: this.#hostMember, host, pid: process.pid, clock: systemClock, random: systemRandom, log: this.log })
    membership.onRejoined((group) => {
      for (const session of this.#ownersIn(group)) session.tell({ kind: 'rejoined', group })
    })
    this.#watchWorkers(membership)
    return membership
  }

  /** A worker that stands still is no living member: it is left out until it beats again. */
  #watchWorkers(membership: HostMembership): void {
    let due = systemClock.now() + WATCH_MS
    this.#watch = setInterval(() => {
      const now = systemClock.now()
      const late = now - due > WATCH_MS / 2
      due = now + WATCH_MS
      // The launcher itself stood still, and has not heard its workers yet.
      if (late) return
      for (const [key, session] of this.#owners) {
        const [, member = ''] = key.split('\n')
        if (now - session.lastBeat > SILENT_MS) membership.suspend(member)
        else membership.resume(member)
      }
    }, WATCH_MS)
    this.#watch.unref()
  }

  #ownersIn(group: string): Set<WorkerSession> {
    return new Set([...this.#owners].filter(([key]) => key.startsWith(`${group}\n`)).map(([, session]) => session))
  }

  get #hostMember(): string {
    return `${this.#options.host}/${this.#options.name}`
  }
}

/** Between two attempts to release what the dead held, in ms. */
const RETRY_MS = 200
const WATCH_MS = 1_000
/** A worker that has not beaten for so long is left out of its groups, as it would be if it beat for itself. */
const SILENT_MS = 15_000

function keyOf(group: string, member: string): string {
  return `${group}\n${member}`
}
