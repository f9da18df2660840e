import { messageOf } from '../../base/errors.js'
import type { Clock } from '../../base/clock.js'
import type { Random } from '../../base/random.js'
import type { CoordinationLog } from '../contract.js'
import type { CoordinationStore } from '../store.js'
import { GroupMemory, type GroupState } from './group-state.js'
import type { Latest } from './latest.js'
import { Pause } from './pause.js'

/** How often the version is asked for, should a message have been lost without a trace; ± 20 %. */
const RECONCILE_MS = 30_000
/** After a failed reading, doubling with each; ± 20 %. */
const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 5_000

export interface GroupReading {
  readonly store: CoordinationStore
  readonly clock: Clock
  readonly random: Random
  readonly log?: CoordinationLog | undefined
  /** A group in which this member is needs no watch over ends: its host beats, and that drops the dead. */
  readonly memberId: string
}

/**
 * Keeps `states` at what a group is, until it is stopped.
 *
 * Level-triggered: messages carry nothing, they make it look. It subscribes first and
 * reads then, so that no change falls in between; changes while a reading is under
 * way make one further reading. A lost message costs at most one reconciliation, and
 * a store that is away leaves the last state standing.
 */
export class GroupFollower {
  readonly #name: string
  readonly #with: GroupReading
  readonly #states: Latest<GroupState>
  readonly #memory = new GroupMemory()
  readonly #pause: Pause
  #stopped = false
  #stale = true
  #failures = 0
  #reconcileAt = 0
  #unsubscribe: (() => void) | undefined

  constructor(name: string, reading: GroupReading, states: Latest<GroupState>) {
    this.#name = name
    this.#with = reading
    this.#states = states
    this.#pause = new Pause(reading.clock)
  }

  stop(): void {
    this.#stopped = true
    this.#pause.wake()
  }

  /** Resolves when it was stopped and has let go of the store. */
  async run(): Promise<void> {
    const forgetGap = this.#with.store.onGap(this.#onGap)
    try {
      while (!this.#stopped) await this.#pause.sleep(await this.#turn())
    } finally {
      forgetGap()
      this.#unsubscribe?.()
    }
  }

  readonly #onMessage = (): void => {
    this.#stale = true
    this.#pause.wake()
  }

  readonly #onGap = (): void => {
    this.#memory.interrupt()
    this.#onMessage()
  }

  /** Looks, if there is a reason to; gives how long to sleep then, in ms. */
  async #turn(): Promise<number> {
    try {
      await this.#look()
    } catch (error) {
      return this.#stopped ? 0 : this.#retryAfter(error)
    }
    if (this.#failures > 0) this.#with.log?.info('a group can be read again', { group: this.#name })
    this.#failures = 0
    return Math.min(this.#reconcileAt, this.#nextEndAt) - this.#with.clock.now()
  }

  async #look(): Promise<void> {
    const { store, clock } = this.#with
    this.#unsubscribe ??= await store.subscribe(`group:${this.#name}`, this.#onMessage)
    const now = clock.now()
    const changed = this.#stale || now >= this.#nextEndAt
      || now >= this.#reconcileAt && await store.groupVersion(this.#name) !== this.#states.value?.version
    if (now >= this.#reconcileAt || changed) this.#reconcileAt = now + spread(RECONCILE_MS, this.#with.random)
    if (changed) await this.#read()
  }

  async #read(): Promise<void> {
    const { store, clock } = this.#with
    this.#stale = false
    const snapshot = await store.readGroup(this.#name)
    if (!this.#stopped) this.#states.set(this.#memory.take(snapshot, clock.now()))
  }

  /** When somebody may have to go of whose end no message tells. */
  get #nextEndAt(): number {
    const { value } = this.#states
    if (!value) return Infinity
    if (value.doubtfulUntil > -Infinity) return value.doubtfulUntil
    return value.members.some(({ id }) => id === this.#with.memberId) ? Infinity : value.nextEndAt
  }

  #retryAfter(error: unknown): number {
    const { random, log } = this.#with
    this.#stale = true
    this.#memory.interrupt()
    this.#states.fail(error)
    if (this.#failures === 0) log?.warn('a group cannot be read; its last known members stand', { group: this.#name, error: messageOf(error) })
    return spread(Math.min(FIRST_RETRY_MS * 2 ** this.#failures++, LAST_RETRY_MS), random)
  }
}

/** ± 20 %, so that many processes do not ask at once. */
function spread(ms: number, random: Random): number {
  return ms * (0.8 + 0.4 * random())
}
