import type { Clock } from '../../base/clock.js'
import { CodedError, messageOf } from '../../base/errors.js'
import type { Random } from '../../base/random.js'
import type { Capabilities, CoordinationLog } from '../contract.js'
import type { CoordinationErrorCode } from '../errors.js'
import type { CoordinationStore } from '../store.js'
import { HostGroup, type HostBeat, type HostIdentity } from './host-group.js'
import { encodeCapabilities } from './host-record.js'
import { Listeners } from './listeners.js'
import type { Membership } from './membership.js'
import { Pause } from './pause.js'

/** After beats that failed, doubling with each, at most the interval of beats. */
const FIRST_RETRY_MS = 1_000

/** `hostMember`: the host for a launcher, the member's own id for a process of its own. */
export interface HostMembershipOptions extends HostIdentity {
  readonly clock: Clock
  readonly random: Random
  readonly log?: CoordinationLog | undefined
}

/**
 * Keeps the members of one host in their groups, as one member of each.
 *
 * A host of 64 workers costs one command an interval: every third of the shortest ttl
 * (± 10 %) all groups are beaten together, and the list of local members is sent only
 * when it is another, or when the store did not know this host. A store that is away
 * is asked again sooner than that, and told of once; members notice nothing but that
 * their `put` takes longer.
 *
 * One loop sends everything, one command after the other, so that no late beat can
 * put back a member that has left.
 */
export class HostMembership implements Membership {
  readonly #store: CoordinationStore
  readonly #options: HostMembershipOptions
  readonly #groups = new Map<string, HostGroup>()
  readonly #suspended = new Set<string>()
  readonly #rejoined = new Listeners<[group: string]>()
  readonly #pause: Pause
  #loop: Promise<void> | undefined
  #nextBeatAt = 0
  #failures = 0
  #stopped = false

  constructor(store: CoordinationStore, options: HostMembershipOptions) {
    this.#store = store
    this.#options = options
    this.#pause = new Pause(options.clock)
  }

  /**
   * As `Membership.put`. It waits for a store that is away.
   *
   * @throws TypeError for capabilities that JSON cannot hold; CodedError COORDINATION_REFUSED (then nothing has changed), COORDINATOR_STOPPED
   */
  async put(group: string, member: string, capabilities: Capabilities, ttlMs: number): Promise<void> {
    const text = encodeCapabilities(member, capabilities)
    if (this.#stopped) throw stoppedError(group)
    const hostGroup = this.#groups.get(group) ?? new HostGroup(group, this.#options, this.#suspended)
    this.#groups.set(group, hostGroup)
    const put = hostGroup.put(member, text, ttlMs)
    this.#nextBeatAt = Math.min(this.#nextBeatAt, this.#options.clock.now() + ttlMs / 3)
    this.#wake()
    await put
  }

  /** As `Membership.remove`. A store that is away is not waited for. @throws CodedError COORDINATION_UNAVAILABLE: it may be listed until its ttl is over */
  async remove(group: string, member: string): Promise<boolean> {
    const removed = this.#groups.get(group)?.remove(member)
    if (!removed) return false
    this.#wake()
    return await removed
  }

  /** Leaves a member out of all its groups, until `resume`: a worker that hangs. */
  suspend(member: string): void {
    this.#suspended.add(member)
    this.#reviewGroupsOf(member)
  }

  /** True: it was left out until now. */
  resume(member: string): boolean {
    const wasOut = this.#suspended.delete(member)
    if (wasOut) this.#reviewGroupsOf(member)
    return wasOut
  }

  onRejoined(listener: (group: string) => void): void {
    this.#rejoined.add(listener)
  }

  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    this.#pause.wake()
    await this.#loop
    const left = await Promise.allSettled([...this.#groups.values()].map((group) => group.abandon(this.#store, stoppedError(group.name))))
    const failed = left.find((result) => result.status === 'rejected')
    if (failed) this.#options.log?.warn('groups could not be left; this host is listed until its ttl is over', { error: messageOf(failed.reason) })
    this.#groups.clear()
  }

  #reviewGroupsOf(member: string): void {
    for (const group of this.#groups.values()) if (group.has(member)) group.review()
    this.#wake()
  }

  #wake(): void {
    this.#pause.wake()
    this.#loop ??= this.#run()
  }

  /** Runs while there is a group to be kept in. */
  async #run(): Promise<void> {
    // What is put in the same moment goes in one command.
    await Promise.resolve()
    while (!this.#stopped && this.#groups.size > 0) await this.#pause.sleep(await this.#turn())
    this.#loop = undefined
  }

  /** Sends what there is to send; gives how long to sleep then, in ms. */
  async #turn(): Promise<number> {
    const now = this.#options.clock.now()
    const beatsAll = now >= this.#nextBeatAt
    const due = [...this.#groups.values()].filter((group) => beatsAll || group.pending)
    try {
      await this.#leaveThose(due.filter((group) => !group.wanted))
      await this.#beatThose(due, now)
    } catch (error) {
      return this.#retryAfter(error)
    }
    if (this.#failures > 0) this.#options.log?.info('beats of groups are answered again')
    this.#failures = 0
    if (beatsAll) this.#nextBeatAt = now + this.#intervalMs()
    const atOnce = this.#groups.size === 0 || [...this.#groups.values()].some((group) => group.pending)
    return atOnce ? 0 : this.#nextBeatAt - this.#options.clock.now()
  }

  async #leaveThose(groups: readonly HostGroup[]): Promise<void> {
    const left = await Promise.allSettled(groups.map((group) => group.leave(this.#store)))
    for (const group of groups) if (group.over) this.#groups.delete(group.name)
    const failed = left.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }

  async #beatThose(groups: readonly HostGroup[], now: number): Promise<void> {
    const beats = groups.flatMap((group) => {
      const beat = group.beat(now)
      return beat ? [{ group, beat }] : []
    })
    if (beats.length === 0) return
    if (this.#store.features.oneServer) return await this.#send(beats)
    const sent = await Promise.allSettled(beats.map((beat) => this.#send([beat])))
    const failed = sent.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }

  async #send(beats: readonly { readonly group: HostGroup; readonly beat: HostBeat }[]): Promise<void> {
    const replies = await this.#store.beat(beats.map(({ beat }) => beat.request)).catch((error: unknown) => {
      for (const { group, beat } of beats) group.beatFailed(beat, error)
      throw error
    })
    for (const [index, { group, beat }] of beats.entries()) {
      const reply = replies[index]
      if (reply && group.beaten(beat, reply)) this.#rejoined.tell(group.name)
    }
  }

  #retryAfter(error: unknown): number {
    const { clock, log, random } = this.#options
    for (const group of this.#groups.values()) if (group.over) this.#groups.delete(group.name)
    if (this.#groups.size === 0) return 0
    if (this.#failures === 0) log?.warn('beats of groups are not answered', { groups: [...this.#groups.keys()], error: messageOf(error) })
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** this.#failures++, this.#shortestTtlMs() / 3) * spread(random)
    this.#nextBeatAt = clock.now() + delayMs
    return delayMs
  }

  #intervalMs(): number {
    return this.#shortestTtlMs() / 3 * spread(this.#options.random)
  }

  #shortestTtlMs(): number {
    return Math.min(...[...this.#groups.values()].map(({ ttlMs }) => ttlMs))
  }
}

/** ± 10 %, so that hosts which started together do not beat together. */
function spread(random: Random): number {
  return 0.9 + 0.2 * random()
}

function stoppedError(group: string): CodedError<CoordinationErrorCode> {
  return new CodedError('COORDINATOR_STOPPED', `Cannot be in the group "${group}" as the coordinator is stopped`)
}
