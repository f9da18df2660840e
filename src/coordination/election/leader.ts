import type { Leader } from '../contract.js'
import { memberOf } from '../names.js'
import type { CoordinationStore, ResourceSnapshot } from '../store.js'

/** A leader and how long its lease lives without a renewal, as the store has it. */
export interface LeaderSnapshot {
  readonly leader: Leader
  readonly leftMs: number
}

export interface LeaderView {
  /** Of the election. */
  readonly name: string
  readonly leader: Leader
  readonly leftMs: number
}

/** Every election that has a leader, sorted by name. */
export async function readLeaders(store: CoordinationStore): Promise<readonly LeaderView[]> {
  const snapshots = await store.listResources('leader')
  return snapshots.flatMap((snapshot) => {
    const found = leaderIn(snapshot)
    return found ? [{ name: snapshot.name.slice('leader:'.length), ...found }] : []
  })
}

/** Only a living lease counts. */
export function leaderIn(snapshot: ResourceSnapshot | undefined): LeaderSnapshot | undefined {
  const holder = snapshot?.holders[0]
  if (!holder || holder.leftMs <= 0) return undefined
  const { id, fence, since, leftMs, record } = holder
  return { leader: { memberId: memberOf(id), epoch: fence, value: record.value, since }, leftMs }
}
