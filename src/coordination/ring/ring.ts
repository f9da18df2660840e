import { hashText } from './hash.js'

/**
 * A consistent-hash ring: which of a group's members owns a key.
 *
 * Each member has 160 points × weight on a circle of 2^32; the next point clockwise of
 * a key's hash is its owner's. A member's points hang on its id and nothing else, so
 * that one more member takes keys from all others and gives none of theirs to another,
 * and one less gives only its own away. Adding one of n moves about 1/n of the keys.
 *
 * Not taken: rendezvous hashing, which asks every member for every key; bounded loads,
 * for which all would have to know what every member has now; 32 points, with which
 * the busiest of ten members has 1.8 times the keys of the idlest.
 *
 * @see Karger et al., Consistent Hashing and Random Trees, 1997
 */
export class Ring {
  /** Sorted. */
  readonly members: readonly string[]
  /** Ascending. */
  readonly #points: Uint32Array
  /** By point: an index of `members`. */
  readonly #owners: Uint32Array

  /** The same ring in whatever order members come. An id that comes twice counts once, as it came last. */
  constructor(members: Iterable<RingMember>) {
    const weights = new Map([...members].map(({ id, weight }) => [id, weight]))
    this.members = [...weights.keys()].sort()
    const marks = sortedMarks(this.members.map((id) => ({ id, weight: weights.get(id) ?? 1 })))
    this.#points = Uint32Array.from(marks, (mark) => Math.floor(mark / MAX_MEMBERS))
    this.#owners = Uint32Array.from(marks, (mark) => mark % MAX_MEMBERS)
  }

  /** How many points it has. */
  get size(): number {
    return this.#points.length
  }

  /** The first owner; undefined: there are no members. @throws TypeError for what is no text */
  owner(key: string): string | undefined {
    const index = this.#indexOf(key)
    return this.members[this.#owners[index] ?? -1]
  }

  /**
   * Different members, clockwise from the key; as many as there are when `replicas` are more.
   *
   * @throws TypeError for a key that is no text: that of an object differs from process to process; RangeError for replicas
   */
  owners(key: string, replicas = 1): readonly string[] {
    if (!Number.isInteger(replicas) || replicas < 1) throw new RangeError(`Cannot look up "${key}" as the number of replicas is 1 or more: ${replicas}`)
    const start = this.#indexOf(key)
    const found = new Set<number>()
    const wanted = Math.min(replicas, this.members.length)
    for (let step = 0; found.size < wanted; step++) found.add(this.#owners[(start + step) % this.size] ?? 0)
    return Array.from(found, (index) => this.members[index] ?? '')
  }

  /** Of the first point at or after the key's hash. */
  #indexOf(key: string): number {
    if (typeof key !== 'string') throw new TypeError(`Cannot look up the owner of a key as it is text: ${typeof key}`)
    const points = this.#points
    const hash = hashText(key, KEY_SEED)
    let low = 0
    let high = points.length
    while (low < high) {
      const middle = low + high >>> 1
      if ((points[middle] ?? 0) < hash) low = middle + 1
      else high = middle
    }
    return low === points.length ? 0 : low
  }
}

export interface RingMember {
  readonly id: string
  /** Above 0; 2 owns twice the keys of 1. Above 100 is 100. */
  readonly weight: number
}

/** The weight that a member tells as its capability `weight`: a number above 0, and 1 when it tells another thing, or nothing. */
export function weightOf(capabilities: Readonly<Record<string, unknown>>): number {
  const { weight } = capabilities
  return typeof weight === 'number' && weight > 0 && Number.isFinite(weight) ? weight : 1
}

/** Members of weight 100 have 16,000 points, 64 kB in all. */
const MAX_WEIGHT = 100
const POINTS = 160
/** A point and a member share one float: 32 and 20 bits. */
const MAX_MEMBERS = 2 ** 20
/** Points are seeded with their number. */
const KEY_SEED = 0x9747b28c

/** `point * MAX_MEMBERS + index` for every point, ascending: members that share a point come in the order of their ids. */
function sortedMarks(members: readonly RingMember[]): Float64Array {
  if (members.length > MAX_MEMBERS) throw new RangeError(`Cannot make a ring as it has at most ${MAX_MEMBERS} members: ${members.length}`)
  const counts = members.map(({ weight }) => Math.max(1, Math.round(POINTS * Math.min(weight, MAX_WEIGHT))))
  const marks = new Float64Array(counts.reduce((sum, count) => sum + count, 0))
  let next = 0
  for (const [index, { id }] of members.entries()) {
    const count = counts[index] ?? 0
    for (let point = 0; point < count; point++) marks[next++] = hashText(id, point) * MAX_MEMBERS + index
  }
  return marks.sort()
}
