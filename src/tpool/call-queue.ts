import type { Call } from './call.js'

/**
 * Calls that wait: the highest priority first, in the order of their coming
 * within one. A call that has waited for `ageBoundMs` goes before all that have
 * not, so that none starves.
 *
 * Each priority is a linked list through the calls themselves: an abort takes its
 * call out at once, however many wait.
 */
export class CallQueue {
  readonly #ageBoundMs: number
  readonly #lanes: Lane[] = []
  #size = 0

  constructor(ageBoundMs: number) {
    this.#ageBoundMs = ageBoundMs
  }

  get size(): number {
    return this.#size
  }

  push(call: Call): void {
    const lane = this.#laneOf(call.priority)
    call.previous = lane.last
    if (lane.last) lane.last.next = call
    else lane.first = call
    lane.last = call
    this.#entered(call)
  }

  /** Puts back a call that was taken too early. */
  unshift(call: Call): void {
    const lane = this.#laneOf(call.priority)
    call.next = lane.first
    if (lane.first) lane.first.previous = call
    else lane.last = call
    lane.first = call
    this.#entered(call)
  }

  /** The call whose turn it is, at `now`. */
  peek(now: number): Call | undefined {
    let best: Call | undefined
    for (const { first } of this.#lanes) {
      if (first && (!best || isBefore(first, best, now - this.#ageBoundMs))) best = first
    }
    return best
  }

  remove(call: Call): void {
    const lane = this.#laneOf(call.priority)
    if (call.previous) call.previous.next = call.next
    else lane.first = call.next
    if (call.next) call.next.previous = call.previous
    else lane.last = call.previous
    call.previous = call.next = call.queue = undefined
    this.#size--
    if (!lane.first && this.#lanes.length > MAX_IDLE_LANES) this.#lanes.splice(this.#lanes.indexOf(lane), 1)
  }

  /** Takes all of them. */
  drain(): Call[] {
    const calls: Call[] = []
    for (let call = this.peek(0); call; call = this.peek(0)) {
      this.remove(call)
      calls.push(call)
    }
    return calls
  }

  #entered(call: Call): void {
    call.queue = this
    this.#size++
  }

  #laneOf(priority: number): Lane {
    const known = this.#lanes.find((lane) => lane.priority === priority)
    if (known) return known
    const lane: Lane = { priority, first: undefined, last: undefined }
    this.#lanes.push(lane)
    return lane
  }
}

interface Lane {
  readonly priority: number
  first: Call | undefined
  last: Call | undefined
}

/** Priorities in use are few; empty lanes up to here are kept. */
const MAX_IDLE_LANES = 8

/** Whether `a` goes before `b`. Calls that came by `agedBy` are old. */
export function isBefore(a: Call, b: Call, agedBy: number): boolean {
  const aIsOld = a.calledAt <= agedBy
  const bIsOld = b.calledAt <= agedBy
  if (aIsOld !== bIsOld) return aIsOld
  if (!aIsOld && a.priority !== b.priority) return a.priority > b.priority
  return a.order < b.order
}
