import { CodedError } from '../../base/errors.js'
import { evicts, type ServerFacts } from './server-checks.js'

export interface SafetyPolicy {
  readonly safety: 'efficient' | 'strict'
  readonly durability: 'async' | 'replica'
}

/**
 * With `strict`: an acknowledged lease must survive the loss of one server. That takes
 * WAIT behind each grant, a master that refuses writes when it is alone, and nothing
 * that is evicted. A Cluster cannot: nobody there sees that a failover forgot a lease.
 *
 * @throws CodedError COORDINATION_UNSAFE, which tells every reason
 */
export function checkSafety(facts: readonly ServerFacts[], policy: SafetyPolicy, store: { readonly kind: 'standalone' | 'sentinel' | 'cluster'; readonly url: string }): void {
  if (policy.safety !== 'strict') return
  const reasons = unsafeReasons(facts, policy, store.kind)
  if (reasons.length === 0) return
  throw new CodedError('COORDINATION_UNSAFE', `Cannot use "${store.url}" as safety is strict: ${reasons.join('; ')}`, { details: { url: store.url, reasons } })
}

function unsafeReasons(facts: readonly ServerFacts[], policy: SafetyPolicy, kind: string): readonly string[] {
  const reasons: string[] = []
  if (kind === 'cluster') reasons.push('a failover in a Cluster may forget leases unseen (use redis+sentinel://)')
  if (policy.durability !== 'replica') reasons.push('durability is async (set it to replica)')
  if (!facts.every((each) => each.needsReplicas)) reasons.push('min-replicas-to-write is 0 (set it to 1 or more)')
  if (facts.some((each) => each.evictionPolicy === undefined)) reasons.push('maxmemory-policy is not known (the server does not tell it)')
  const evicting = facts.find(evicts)
  if (evicting) reasons.push(`maxmemory-policy is ${evicting.evictionPolicy} (set it to noeviction)`)
  if (kind !== 'cluster' && facts.some((each) => each.runId === undefined)) reasons.push('run_id is not known (the server does not tell it)')
  return reasons
}
