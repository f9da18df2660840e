/**
 * Judges whether a history of concurrent calls could have been made one at a time,
 * each somewhere between its call and its return (Herlihy and Wing, 1990): the search
 * of Wing and Gong with the memory of Lowe. Check each resource for itself: a history
 * is linearizable when its part of every object is.
 *
 * What may or may not have happened is an operation with `optional`: a call whose
 * answer was lost, the expiry of a lease. It takes effect within its interval or never.
 *
 * A history that is in order costs about one step an operation. One that is not is
 * searched wide, and the time is limited.
 */
import { timeline } from './timeline.js'

export interface Operation<Action> {
  /** Who called. */
  readonly process: string
  readonly action: Action
  /** When it was called and when its answer came, in ms of one clock; an answer that never came: Infinity. */
  readonly call: number
  readonly return: number
  /** It may never have taken effect. Default false. */
  readonly optional?: boolean
}

export interface Model<State, Action> {
  readonly initial: State
  /** The state after `action`, answer included; undefined: it cannot happen in this state. */
  step(state: State, action: Action): State | undefined
  /** The same text for the same state and no other. */
  key(state: State): string
  show(action: Action): string
}

export type Verdict =
  | { readonly result: 'linearizable' }
  /** `timeline`: the calls about the one at which the longest attempt ended. `undecided`: time was up before all was tried. */
  | { readonly result: 'violation' | 'undecided'; readonly timeline: string }

/** `timeLimitMs`: for this history. Default 20 000. */
export function checkLinearizable<State, Action>(model: Model<State, Action>, history: readonly Operation<Action>[], timeLimitMs = 20_000): Verdict {
  const search = new Search(model, history)
  const end = performance.now() + timeLimitMs
  for (let steps = 1; ; steps++) {
    const result = search.step()
    if (result === 'found') return { result: 'linearizable' }
    if (result === 'exhausted') return { result: 'violation', timeline: search.explain() }
    if (steps % 1_024 === 0 && performance.now() > end) return { result: 'undecided', timeline: search.explain() }
  }
}

/** An operation in the list of its kind (required, optional): of those that have no place yet, sorted by call. */
interface Entry<Action> {
  readonly operation: Operation<Action>
  readonly list: List<Action>
  /** Its part of the hash of the required ones that have a place; of an optional one, nothing. */
  readonly hash: readonly [number, number]
  /** Of a required one, its place by return; of an optional one, its bit. */
  rank: number
  placed: boolean
  previous: Entry<Action> | undefined
  next: Entry<Action> | undefined
}

interface List<Action> {
  readonly optional: boolean
  first: Entry<Action> | undefined
  last: Entry<Action> | undefined
}

/** A step that was taken, with what it takes to undo it. */
interface Step<State, Action> {
  readonly entry: Entry<Action>
  readonly stateBefore: State
  readonly latestCallBefore: number
}

class Search<State, Action> {
  readonly #model: Model<State, Action>
  readonly #required: List<Action> = { optional: false, first: undefined, last: undefined }
  readonly #optional: List<Action> = { optional: true, first: undefined, last: undefined }
  readonly #entries: readonly Entry<Action>[]
  readonly #byReturn: readonly Entry<Action>[]
  /** All of `#byReturn` before this rank have a place. */
  #rank = 0
  readonly #steps: Step<State, Action>[] = []
  /**
   * By the required operations that have a place and the state: which optional ones
   * were used to get there. With more of them used nothing new comes after it.
   */
  readonly #seen = new Map<string, Uint32Array[]>()
  readonly #hash: [number, number] = [0, 0]
  readonly #used: Uint32Array
  #state: State
  /** Of those that have a place: nothing that returned before it can come next. */
  #latestCall = -Infinity
  /** The one tried last at this point; undefined: none yet. */
  #tried: Entry<Action> | undefined
  #best: { readonly places: ReadonlyMap<Entry<Action>, number>; readonly state: State; readonly due: Entry<Action> | undefined } | undefined

  constructor(model: Model<State, Action>, history: readonly Operation<Action>[]) {
    this.#model = model
    this.#state = model.initial
    const random = randomIntegers(1)
    this.#entries = [...history].sort((a, b) => a.call - b.call).map((operation) =>
      operation.optional === true ? append(this.#optional, operation, [0, 0]) : append(this.#required, operation, [random(), random()]))
    this.#byReturn = this.#entries.filter(({ list }) => !list.optional).sort((a, b) => a.operation.return - b.operation.return)
    for (const [rank, entry] of this.#byReturn.entries()) entry.rank = rank
    const optional = this.#entries.filter(({ list }) => list.optional)
    for (const [rank, entry] of optional.entries()) entry.rank = rank
    this.#used = new Uint32Array(Math.ceil(optional.length / 32))
  }

  /** Puts one more operation behind those that have a place, or takes the last of them out again. */
  step(): 'going on' | 'found' | 'exhausted' {
    const due = this.#due()
    if (!due) return 'found'
    // Whatever is called after this return comes after it.
    const horizon = due.operation.return
    for (let entry = this.#after(this.#tried, horizon); entry; entry = this.#after(entry, horizon)) {
      if (this.#place(entry)) return 'going on'
    }
    return this.#undo() ? 'going on' : 'exhausted'
  }

  /** The operation without a place that returned first. */
  #due(): Entry<Action> | undefined {
    while (this.#byReturn[this.#rank]?.placed) this.#rank++
    return this.#byReturn[this.#rank]
  }

  /** The next to try: the required ones, then those that may never have happened. */
  #after(tried: Entry<Action> | undefined, horizon: number): Entry<Action> | undefined {
    const entry = tried ? tried.next : this.#required.first
    if (entry && entry.operation.call <= horizon) return entry
    if (tried?.list.optional) return undefined
    const first = this.#optional.first
    return first && first.operation.call <= horizon ? first : undefined
  }

  #place(entry: Entry<Action>): boolean {
    const { call, return: returned, action } = entry.operation
    if (returned < this.#latestCall) return false
    const state = this.#model.step(this.#state, action)
    if (state === undefined) return false
    this.#turn(entry)
    if (!this.#isNew(state)) {
      this.#turn(entry)
      return false
    }
    this.#steps.push({ entry, stateBefore: this.#state, latestCallBefore: this.#latestCall })
    unlink(entry)
    this.#state = state
    this.#latestCall = Math.max(this.#latestCall, call)
    this.#tried = undefined
    return true
  }

  #undo(): boolean {
    this.#keepBest()
    const last = this.#steps.pop()
    if (!last) return false
    relink(last.entry)
    this.#turn(last.entry)
    if (!last.entry.list.optional) this.#rank = Math.min(this.#rank, last.entry.rank)
    this.#state = last.stateBefore
    this.#latestCall = last.latestCallBefore
    this.#tried = last.entry
    return true
  }

  #isNew(state: State): boolean {
    const key = `${this.#hash[0]}:${this.#hash[1]}:${this.#model.key(state)}`
    const earlier = this.#seen.get(key)
    if (earlier?.some((used) => isSubset(used, this.#used))) return false
    if (earlier) earlier.push(this.#used.slice())
    else this.#seen.set(key, [this.#used.slice()])
    return true
  }

  /** Puts the entry into the set of those that have a place, or takes it out. */
  #turn(entry: Entry<Action>): void {
    if (entry.list.optional) {
      this.#used[entry.rank >>> 5] = (this.#used[entry.rank >>> 5] ?? 0) ^ (1 << (entry.rank & 31))
      return
    }
    this.#hash[0] ^= entry.hash[0]
    this.#hash[1] ^= entry.hash[1]
  }

  #keepBest(): void {
    if (this.#best && this.#best.places.size >= this.#steps.length) return
    this.#best = { places: new Map(this.#steps.map(({ entry }, place) => [entry, place])), state: this.#state, due: this.#due() }
  }

  /** The longest order that was found, and what could not follow. */
  explain(): string {
    this.#keepBest()
    const { places, state, due } = this.#best ?? { places: new Map<Entry<Action>, number>(), state: this.#state, due: undefined }
    // What need not have happened and has no place is not missed.
    const shown = this.#entries.filter((entry) => !entry.list.optional || places.has(entry))
    const rows = shown.map((entry) => ({ ...entry.operation, text: this.#model.show(entry.operation.action), place: places.get(entry) }))
    return timeline(rows, due ? shown.indexOf(due) : 0, this.#model.key(state))
  }
}

function append<Action>(list: List<Action>, operation: Operation<Action>, hash: readonly [number, number]): Entry<Action> {
  const entry: Entry<Action> = { operation, hash, list, rank: -1, placed: false, previous: list.last, next: undefined }
  if (list.last) list.last.next = entry
  else list.first = entry
  list.last = entry
  return entry
}

function unlink<Action>(entry: Entry<Action>): void {
  entry.placed = true
  if (entry.previous) entry.previous.next = entry.next
  else entry.list.first = entry.next
  if (entry.next) entry.next.previous = entry.previous
}

/** Undoes the last `unlink`: its neighbours are those it had. */
function relink<Action>(entry: Entry<Action>): void {
  entry.placed = false
  if (entry.previous) entry.previous.next = entry
  else entry.list.first = entry
  if (entry.next) entry.next.previous = entry
}

function isSubset(part: Uint32Array, whole: Uint32Array): boolean {
  return part.every((bits, index) => (bits & ~(whole[index] ?? 0)) === 0)
}

/** Whole numbers of 32 bits (SplitMix's mixer), the same in every run. */
function randomIntegers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x9e3779b9) | 0
    const once = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35)
    return twice ^ (twice >>> 16)
  }
}
