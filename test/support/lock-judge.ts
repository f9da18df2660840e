import type { LockEvent } from './lock-worker.js'
import { checkLinearizable, type Operation } from './linearizability.js'
import { leases, type LeaseAction } from './models.js'

/** One grant, from what its holder wrote down. */
export interface Hold {
  readonly process: string
  readonly name: string
  readonly id: string
  readonly capacity: number
  readonly weight: number
  readonly fence: bigint
  readonly call: number
  /** Told that it was held from here… */
  readonly from: number
  /** … to here: it gave it back, was told of the loss, or could not know better any more. */
  readonly to: number
  /** The store had to keep it until then, if it was not given back. */
  readonly until: number
  /** When it called release, and had the answer; undefined: it never did. */
  readonly release: { readonly call: number; readonly return: number; readonly done: boolean | undefined } | undefined
}

type Seen = LockEvent & { readonly process: string }

export function readHolds(events: readonly Seen[]): readonly Hold[] {
  const byHold = groupBy(events, (event) => `${event.process}/${event.hold}`)
  return [...byHold].flatMap(([id, seen]) => {
    const granted = seen.find((event) => event.kind === 'granted')
    return granted ? [toHold(id, granted, seen)] : []
  })
}

function toHold(id: string, granted: Extract<Seen, { kind: 'granted' }>, seen: readonly Seen[]): Hold {
  const told = seen.filter((event) => event.kind === 'granted' || event.kind === 'holding')
  const until = Math.max(...told.map((event) => event.until))
  const ends = seen.filter((event) => event.kind === 'lost' || event.kind === 'releasing').map(({ at }) => at)
  // Who was killed works no more: what counts is when it was last told.
  const lastTold = Math.max(...told.map(({ at }) => at))
  const releasing = seen.find((event) => event.kind === 'releasing')
  const released = seen.find((event) => event.kind === 'released')
  return {
    ...granted, id, fence: BigInt(granted.fence), from: granted.at, until,
    to: ends.length > 0 ? Math.min(until, ...ends) : lastTold,
    release: releasing && { call: releasing.at, return: released?.at ?? Infinity, done: released?.done },
  }
}

/**
 * The pairs that were told at one time that each holds what only one can. A grant that
 * was over before its holder could look told nobody so: its process stood still meanwhile.
 */
export function overlaps(holds: readonly Hold[]): readonly string[] {
  const told = holds.filter(({ from, until }) => until > from)
  return [...groupBy(told, ({ name }) => name).values()].flatMap((ofName) => {
    const sorted = [...ofName].sort((a, b) => a.from - b.from)
    let active: Hold[] = []
    return sorted.flatMap((hold) => {
      active = active.filter(({ to }) => to > hold.from)
      const used = active.reduce((sum, { weight }) => sum + weight, 0)
      const others = used + hold.weight > hold.capacity ? active.map(show).join('; ') : ''
      active.push(hold)
      return others === '' ? [] : [`${show(hold)} beside ${others}`]
    })
  })
}

/** Grants of one resource whose fence is not above that of one that was returned before it was called for. */
export function fencesThatDoNotGrow(holds: readonly Hold[]): readonly string[] {
  return [...groupBy(holds, ({ name }) => name).values()].flatMap((ofName) => {
    const calls = [...ofName].sort((a, b) => a.call - b.call)
    const returns = [...ofName].sort((a, b) => a.from - b.from)
    let [returned, highest] = [0, undefined as Hold | undefined]
    const wrong = calls.flatMap((hold) => {
      for (let next = returns[returned]; next && next.from < hold.call; next = returns[++returned]) if (!highest || next.fence > highest.fence) highest = next
      return highest && hold.fence <= highest.fence ? [`${show(hold)} after ${show(highest)}`] : []
    })
    const twice = ofName.length - new Set(ofName.map(({ fence }) => fence)).size
    return twice > 0 ? [...wrong, `${ofName[0]?.name ?? ''}: ${twice} fences were given twice`] : wrong
  })
}

/**
 * The timelines of what has no order: two holders, fences, releases of what was not held.
 * `mayEnd`: from when on the store may end a lease by itself. Default: not before its holder had to reckon with it.
 */
export function disorders(holds: readonly Hold[], mayEnd = ({ until }: Hold): number => until): readonly string[] {
  return [...groupBy(holds, ({ name }) => name)].flatMap(([name, ofName]) => {
    const verdict = checkLinearizable(leases(ofName[0]?.capacity ?? 1), ofName.flatMap((hold) => operations(hold, mayEnd(hold))))
    return verdict.result === 'linearizable' ? [] : [`${name}: ${verdict.result}\n${verdict.timeline}`]
  })
}

function operations(hold: Hold, mayEnd: number): readonly Operation<LeaseAction>[] {
  const { process, id, weight, fence, call, from, release } = hold
  const granted: Operation<LeaseAction> = { process, call, return: from, action: { kind: 'granted', id, weight, fence } }
  const expired: Operation<LeaseAction> = { process, call: mayEnd, return: Infinity, optional: true, action: { kind: 'expired', id } }
  if (!release) return [granted, expired]
  // A release that says no may have been executed, and its answer lost; one without an answer, too.
  const done = release.done === true
  const released: Operation<LeaseAction> = { process, call: release.call, return: done ? release.return : Infinity, optional: !done, action: { kind: 'released', id, done: true } }
  return [granted, released, expired]
}

function groupBy<T>(all: readonly T[], keyOf: (each: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const each of all) {
    const group = groups.get(keyOf(each))
    if (group) group.push(each)
    else groups.set(keyOf(each), [each])
  }
  return groups
}

function show({ name, id, fence, from, to }: Hold): string {
  return `${name} by ${id} with ${fence} from ${from.toFixed(3)} to ${to.toFixed(3)}`
}
