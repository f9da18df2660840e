import { systemClock } from '../../base/clock.js'
import type { Capabilities } from '../contract.js'
import type { HostMembership } from '../group/host-membership.js'

/** A worker, as far as its places in groups go. */
export interface PlaceHolder {
  /** Grows with each worker: the younger of two is the successor. */
  readonly number: number
  /** It has not said for a while that its loop runs. */
  silent(now: number): boolean
  /** Its members in that group had been taken for dead, and were put back. */
  rejoined(group: string): void
}

export interface Place {
  readonly group: string
  readonly member: string
  readonly capabilities: Capabilities
  readonly ttlMs: number
}

/**
 * The places of a launcher's workers in groups. A slot's old and new worker have the
 * same member id: while both live, what the younger says counts, and the end of either
 * takes nothing away that the other still stands for.
 */
export class WorkerPlaces {
  readonly #open: () => Promise<HostMembership>
  readonly #places = new Map<string, Map<PlaceHolder, Place>>()
  #membership: Promise<HostMembership> | undefined
  #watch: NodeJS.Timeout | undefined

  /** `open`: called with the first place. */
  constructor(open: () => Promise<HostMembership>) {
    this.#open = open
  }

  async put(holder: PlaceHolder, place: Place): Promise<void> {
    const places = this.#places.get(keyOf(place)) ?? new Map<PlaceHolder, Place>()
    this.#places.set(keyOf(place), places.set(holder, place))
    const membership = await this.#opened()
    if (youngest(places)?.[0] !== holder) return
    // The worker before it may have hung.
    membership.resume(place.member)
    await membership.put(place.group, place.member, place.capabilities, place.ttlMs)
  }

  /** False: it has no such place. */
  async remove(holder: PlaceHolder, { group, member }: Pick<Place, 'group' | 'member'>): Promise<boolean> {
    const places = this.#places.get(keyOf({ group, member }))
    if (!places?.delete(holder)) return false
    const membership = await this.#opened()
    const [, left] = youngest(places) ?? []
    if (left) {
      await membership.put(group, member, left.capabilities, left.ttlMs)
      return true
    }
    this.#places.delete(keyOf({ group, member }))
    return await membership.remove(group, member)
  }

  /** The worker is dead. */
  async removeAll(holder: PlaceHolder): Promise<void> {
    const held = [...this.#places.values()].flatMap((places) => places.get(holder) ?? [])
    await Promise.all(held.map((place) => this.remove(holder, place)))
  }

  async stop(): Promise<void> {
    clearInterval(this.#watch)
    const membership = await this.#membership?.catch(() => undefined)
    await membership?.stop()
  }

  #opened(): Promise<HostMembership> {
    const opening = this.#membership ?? this.#openAndWatch().catch((error: unknown) => {
      this.#membership = undefined
      throw error
    })
    this.#membership = opening
    return opening
  }

  async #openAndWatch(): Promise<HostMembership> {
    const membership = await this.#open()
    membership.onRejoined((group) => {
      for (const [holder, place] of this.#current()) if (place.group === group) holder.rejoined(group)
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
      if (!late) this.#review(membership, now)
    }, WATCH_MS)
    this.#watch.unref()
  }

  #review(membership: HostMembership, now: number): void {
    const back = new Set<string>()
    for (const [holder, { member }] of this.#current()) {
      if (holder.silent(now)) membership.suspend(member)
      else if (membership.resume(member)) back.add(member)
    }
    for (const [holder, { group, member }] of this.#current()) if (back.has(member)) holder.rejoined(group)
  }

  /** Those that count. */
  #current(): (readonly [PlaceHolder, Place])[] {
    return [...this.#places.values()].flatMap((places) => {
      const found = youngest(places)
      return found ? [found] : []
    })
  }
}

const WATCH_MS = 1_000

function youngest(places: ReadonlyMap<PlaceHolder, Place>): readonly [PlaceHolder, Place] | undefined {
  return [...places].reduce<readonly [PlaceHolder, Place] | undefined>((found, each) => found && found[0].number > each[0].number ? found : each, undefined)
}

/** A name has no control characters. */
function keyOf({ group, member }: Pick<Place, 'group' | 'member'>): string {
  return `${group}\n${member}`
}
