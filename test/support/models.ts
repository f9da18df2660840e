import type { Model } from './linearizability.js'

/** What is called on a lock, a read/write lock or a semaphore, and the answer. An id is that of one request. */
export type LeaseAction =
  /** `fence` undefined: no answer came, so that the operation is optional. `again`: the same request, asked once more. */
  | { readonly kind: 'granted'; readonly id: string; readonly weight: number; readonly fence: bigint | undefined; readonly again?: boolean }
  /** Refused although nobody waits and nothing is closed: somebody must hold. */
  | { readonly kind: 'busy'; readonly id: string; readonly weight: number }
  | { readonly kind: 'extended' | 'released'; readonly id: string; readonly done: boolean }
  /** Optional, and from the moment on at which the lease may end by itself: its earliest expiry, its holder's death. */
  | { readonly kind: 'expired'; readonly id: string }

interface Holding {
  readonly weight: number
  readonly fence: bigint | undefined
}

export interface Leases {
  readonly holders: ReadonlyMap<string, Holding>
  /** The highest fence that anybody was told. */
  readonly fence: bigint
}

/**
 * Leases that share a capacity, with fences that only grow. Of 1: the fenced mutex.
 * A read/write lock is one whose writers weigh all of it. The order of waiting is not judged.
 */
export function leases(capacity: number): Model<Leases, LeaseAction> {
  return {
    initial: { holders: new Map(), fence: 0n },
    step: (state, action) => stepLeases(state, action, capacity),
    key: ({ holders, fence }) => `${[...holders].map(([id, held]) => `${id}=${held.fence ?? '?'}x${held.weight}`).sort().join(' ') || 'free'} last fence ${fence}`,
    show: showLease,
  }
}

function stepLeases(state: Leases, action: LeaseAction, capacity: number): Leases | undefined {
  const holds = state.holders.has(action.id)
  switch (action.kind) {
    case 'granted':
      return action.again === true ? stepRepeated(state, action) : stepGranted(state, action, capacity)
    case 'busy':
      return used(state) + action.weight > capacity ? state : undefined
    case 'extended':
      return action.done === holds ? state : undefined
    case 'released':
      return action.done === holds ? without(state, action.id) : undefined
    case 'expired':
      return holds ? without(state, action.id) : undefined
  }
}

type Granted = Extract<LeaseAction, { readonly kind: 'granted' }>

function stepGranted(state: Leases, action: Granted, capacity: number): Leases | undefined {
  const fits = used(state) + action.weight <= capacity && !state.holders.has(action.id)
  const grows = action.fence === undefined || action.fence > state.fence
  return fits && grows ? put(state, action) : undefined
}

function stepRepeated(state: Leases, action: Granted): Leases | undefined {
  const held = state.holders.get(action.id)
  return held && (held.fence === undefined || held.fence === action.fence) ? put(state, action) : undefined
}

function put(state: Leases, { id, weight, fence }: { readonly id: string } & Holding): Leases {
  return { holders: new Map(state.holders).set(id, { weight, fence }), fence: fence ?? state.fence }
}

function without(state: Leases, id: string): Leases {
  const holders = new Map(state.holders)
  holders.delete(id)
  return { ...state, holders }
}

function used({ holders }: Leases): number {
  return [...holders.values()].reduce((sum, { weight }) => sum + weight, 0)
}

function showLease(action: LeaseAction): string {
  switch (action.kind) {
    case 'granted': return `${action.again === true ? 'asks again' : 'acquires'} ${action.id} x${action.weight} → ${action.fence ?? 'no answer'}`
    case 'busy': return `acquires ${action.id} x${action.weight} → busy`
    case 'extended': return `extends ${action.id} → ${action.done}`
    case 'released': return `releases ${action.id} → ${action.done}`
    case 'expired': return `${action.id} may expire`
  }
}

/** What is done to a resource that looks at fences: it holds a number and the newest fence it has seen. */
export type FencedAction =
  | { readonly kind: 'read'; readonly value: number }
  | { readonly kind: 'write'; readonly value: number; readonly fence: bigint; readonly accepted: boolean }
  /** Read, then written under the same lock: nobody may come between. */
  | { readonly kind: 'update'; readonly from: number; readonly to: number; readonly fence: bigint }

export interface Fenced {
  readonly value: number
  readonly fence: bigint
}

/** A register that refuses older fences. It starts with 0. */
export const fencedRegister: Model<Fenced, FencedAction> = {
  initial: { value: 0, fence: 0n },
  step: (state, action) => {
    switch (action.kind) {
      case 'read':
        return action.value === state.value ? state : undefined
      case 'write':
        if (action.accepted !== action.fence >= state.fence) return undefined
        return action.accepted ? { value: action.value, fence: action.fence } : state
      case 'update':
        return action.from === state.value && action.fence >= state.fence ? { value: action.to, fence: action.fence } : undefined
    }
  },
  key: ({ value, fence }) => `${value} by fence ${fence}`,
  show: (action) => {
    switch (action.kind) {
      case 'read': return `reads → ${action.value}`
      case 'write': return `writes ${action.value} with ${action.fence} → ${action.accepted ? 'accepted' : 'refused'}`
      case 'update': return `updates ${action.from} to ${action.to} with ${action.fence}`
    }
  },
}

/** What is done to a group. */
export type GroupAction =
  /** `joined`: it was not in before. */
  | { readonly kind: 'beat'; readonly member: string; readonly joined: boolean }
  | { readonly kind: 'left'; readonly member: string; readonly done: boolean }
  /** Optional, and from its earliest expiry on. */
  | { readonly kind: 'dropped'; readonly member: string }
  | { readonly kind: 'read'; readonly version: number; readonly members: readonly string[] }

export interface Members {
  readonly members: ReadonlySet<string>
  /** As the last reader saw it. */
  readonly version: number
  /** Whether somebody came or went since. */
  readonly changed: boolean
}

/** A group: who reads sees all members, and a higher version after each change and only then. */
export const membership: Model<Members, GroupAction> = {
  initial: { members: new Set(), version: 0, changed: false },
  step: (state, action) => {
    switch (action.kind) {
      case 'beat':
        if (action.joined === state.members.has(action.member)) return undefined
        return action.joined ? { ...state, members: new Set(state.members).add(action.member), changed: true } : state
      case 'left':
      case 'dropped':
        return stepAway(state, action.member, action.kind === 'dropped' || action.done)
      case 'read':
        if (!sameMembers(state.members, action.members)) return undefined
        if (state.changed ? action.version <= state.version : action.version !== state.version) return undefined
        return { ...state, version: action.version, changed: false }
    }
  },
  key: ({ members, version, changed }) => `${[...members].sort().join(' ') || 'nobody'} at ${version}${changed ? '+' : ''}`,
  show: (action) => {
    switch (action.kind) {
      case 'beat': return `${action.member} beats${action.joined ? ', and is new' : ''}`
      case 'left': return `${action.member} leaves → ${action.done}`
      case 'dropped': return `${action.member} may be dropped`
      case 'read': return `reads → ${action.members.join(' ')} at ${action.version}`
    }
  },
}

function stepAway(state: Members, member: string, expected: boolean): Members | undefined {
  if (state.members.has(member) !== expected) return undefined
  if (!expected) return state
  const members = new Set(state.members)
  members.delete(member)
  return { ...state, members, changed: true }
}

function sameMembers(members: ReadonlySet<string>, seen: readonly string[]): boolean {
  return members.size === seen.length && seen.every((member) => members.has(member))
}
