import fc from 'fast-check'
import type { Judged } from './model-store.js'

/** One call of a store, after some time. */
export type Call = { [Method in CallMethod]: { readonly stepUs: number; readonly method: Method; readonly args: Parameters<Judged[Method]> } }[CallMethod]
type CallMethod = 'acquire' | 'extend' | 'release' | 'amend' | 'forceRelease' | 'beat' | 'leave' | 'mark' | 'deleteGroup'

export const NAMES = ['lock:a', 'lock:{b} c', 'leader:a'] as const
export const GROUPS = ['g', 'h{'] as const

const name = fc.constantFrom(...NAMES)
/** Two of one member, and one whose member's name has a # in it. */
const id = fc.constantFrom('a#1', 'a#2', 'b#1', 'c#x#1')
const to = fc.constantFrom('a', 'b', 'c#x', 'c', 'd')
const ms = fc.constantFrom(1, 5, 20, 100, 1_000)
const perhapsMs = fc.constantFrom(0, 5, 20, 100)
const record = fc.constantFrom('{}', '{"host":"h"}', '{"a":[1,{"b":"\\"}"}],"é":null}')
/** Now and then the clock goes back. */
const stepUs = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(0, 1, 700, 1_000, 5_000, 20_000, 20_500, 100_000, 1_000_000) },
  { weight: 1, arbitrary: fc.constantFrom(-1, -1_000, -30_000, -200_000) },
)

const acquire = fc.record({
  name, id, ttlMs: ms, lockDelayMs: perhapsMs, waitMs: perhapsMs, record,
  // Mostly of one mind about the capacity.
  shape: fc.constantFrom([1, 3], [1, 3], [2, 3], [3, 3], [1, 2], [1, 1]),
}).map(({ shape: [weight = 1, capacity = 1], ...request }) => [{ ...request, weight, capacity }] as const)

const release = fc.oneof(
  fc.record({ name, id, unclean: fc.boolean() }, { requiredKeys: ['name', 'id'] }),
  fc.record({ name, id, unclean: fc.boolean(), to, onlyTo: fc.boolean() }, { requiredKeys: ['name', 'id', 'to'] }),
).map((request) => [request] as const)

const member = fc.constantFrom('m', 'n', 'o', '__proto__')
const group = fc.constantFrom(...GROUPS)
const beat = fc.record({ group, member, ttlMs: fc.constantFrom(20, 100, 1_000), record: fc.option(record, { nil: undefined }), keep: fc.boolean() })

const leaseCalls = [
  called('acquire', acquire, 12),
  called('release', release, 6),
  called('extend', fc.array(fc.record({ name, id, ttlMs: fc.constantFrom(0, 1, 20, 1_000) }), { maxLength: 3 }).map((requests) => [requests] as const), 3),
  called('amend', fc.record({ name, id, record }).map((request) => [request] as const), 1),
  called('forceRelease', fc.record({ name, by: fc.constantFrom('x', 'y z'), lockDelayMs: perhapsMs }).map((request) => [request] as const), 1),
]

const groupCalls = [
  called('beat', fc.array(beat, { minLength: 1, maxLength: 2 }).map((requests) => [requests] as const), 8),
  called('leave', fc.record({ group, member }).map((request) => [request] as const), 2),
  called('mark', fc.record({ group, member, mark: fc.option(record) }).map((request) => [request] as const), 2),
  called('deleteGroup', group.map((each) => [each] as const), 1),
]

/** Sequences of calls about few leases, or few groups, so that they meet. */
export const leaseSequences: fc.Arbitrary<Call[]> = fc.array(fc.oneof(...leaseCalls), { minLength: 1, maxLength: 40, size: 'max' })
export const groupSequences: fc.Arbitrary<Call[]> = fc.array(fc.oneof(...groupCalls), { minLength: 1, maxLength: 40, size: 'max' })

function called<Method extends CallMethod>(method: Method, args: fc.Arbitrary<Readonly<Parameters<Judged[Method]>>>, weight: number): fc.WeightedArbitrary<Call> {
  return { weight, arbitrary: fc.record({ stepUs, method: fc.constant(method), args }) as unknown as fc.Arbitrary<Call> }
}

export function make(store: Judged, call: Call): Promise<unknown> {
  const method = store[call.method] as (...args: readonly unknown[]) => Promise<unknown>
  return method.apply(store, [...call.args])
}
