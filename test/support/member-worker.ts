/**
 * A process that is in a group, watches it, and stands in two elections: in one it
 * resigns soon, in the other it leads until it loses. Tells its parent what it sees, and
 * writes its terms down as locks that it held. It ends by SIGTERM, with 0.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Coordinator, Group, Leadership } from '#src/coordination/contract.js'
import { getCoordinator } from '#src/coordination/get-coordinator.js'
import { HistoryWriter, monotonicMs } from './history.js'
import type { LockEvent } from './lock-worker.js'

export interface MemberWorkerOptions {
  readonly url: string
  readonly member: string
  /** Where its history goes. */
  readonly folder: string
  readonly groupTtlMs: number
  /** Of leadership, and for so long nothing is granted after the store may have forgotten. */
  readonly leaseTtlMs: number
}

export type MemberMessage =
  | { readonly kind: 'ready' | 'rejoined' }
  /** Whom its watch shows now, sorted, and who has left since the last time. */
  | { readonly kind: 'members'; readonly members: readonly string[]; readonly left: readonly string[] }
  /** Whom it sees lead STEADY. */
  | { readonly kind: 'leader'; readonly member: string | undefined }
  /** A term of BUSY has begun. */
  | { readonly kind: 'term' }

export const GROUP = 'members'
/** The election whose leader stays. */
export const STEADY = 'steady'
export const BUSY = 'busy'

/** What a campaign may meet while there is trouble. */
const EXPECTED = ['COORDINATION_UNAVAILABLE', 'COORDINATION_REFUSED', 'LOCK_LOST']

async function main(options: MemberWorkerOptions): Promise<void> {
  const stop = new AbortController()
  process.once('SIGTERM', () => stop.abort())
  // Nobody is left to stop it.
  process.once('disconnect', () => process.exit())
  const { leaseTtlMs, groupTtlMs } = options
  const coordinator = await getCoordinator(options.url, options.member, { ttlMs: leaseTtlMs, maxTtlMs: leaseTtlMs })
  const group = coordinator.group(GROUP, { ttlMs: groupTtlMs }).onRejoined(() => tell({ kind: 'rejoined' }))
  await group.join()
  await grow(group)
  const terms = new Terms(coordinator, new HistoryWriter(options.folder, options.member), stop.signal)
  const tasks = [watch(coordinator, stop.signal), observe(coordinator, stop.signal), terms.take(BUSY, () => Math.random() * 20), terms.take(STEADY, () => Infinity)]
  tell({ kind: 'ready' })
  await Promise.all(tasks)
  await coordinator.stop()
  if (process.connected) process.disconnect()
}

/**
 * Watches know a store that has forgotten by a version that is less than it was. A group
 * is to have seen more changes before than it sees when everybody comes back.
 */
async function grow(group: Group): Promise<void> {
  for (let changes = 1; changes <= 10; changes++) await group.update({ changes })
}

async function watch(coordinator: Coordinator, signal: AbortSignal): Promise<void> {
  for await (const { members, left } of coordinator.group(GROUP).watch({ signal })) tell({ kind: 'members', members: members.map(({ id }) => id), left })
}

async function observe(coordinator: Coordinator, signal: AbortSignal): Promise<void> {
  for await (const leader of coordinator.election(STEADY).observe({ signal })) tell({ kind: 'leader', member: leader?.memberId })
}

function tell(message: MemberMessage): void {
  if (process.connected) process.send?.(message)
}

/** Campaigns again and again, and notes when it could believe that it leads. */
class Terms {
  readonly #coordinator: Coordinator
  readonly #history: HistoryWriter<LockEvent>
  readonly #stop: AbortSignal
  #count = 0

  constructor(coordinator: Coordinator, history: HistoryWriter<LockEvent>, stop: AbortSignal) {
    this.#coordinator = coordinator
    this.#history = history
    this.#stop = stop
  }

  /** `stayMs`: how long a term is to last. */
  async take(election: string, stayMs: () => number): Promise<void> {
    while (!this.#stop.aborted) {
      const call = monotonicMs()
      try {
        const leadership = await this.#coordinator.election(election).campaign({ signal: this.#stop })
        if (election === BUSY) tell({ kind: 'term' })
        await this.#serve(leadership, { name: election, call, endAt: monotonicMs() + stayMs() })
      } catch (error) {
        if (this.#stop.aborted) return
        if (!EXPECTED.includes((error as { readonly code?: string }).code ?? '')) throw error
      }
      await sleep(Math.random() * 10)
    }
  }

  async #serve(leadership: Leadership, term: { readonly name: string; readonly call: number; readonly endAt: number }): Promise<void> {
    const hold = ++this.#count
    const { name, call } = term
    const at = monotonicMs()
    this.#history.write({ kind: 'granted', hold, name, capacity: 1, weight: 1, fence: String(leadership.epoch), call, at, until: at })
    while (this.#leads(leadership, hold) && monotonicMs() < term.endAt && !this.#stop.aborted) await sleep(5)
    this.#history.write({ kind: 'releasing', hold, at: monotonicMs() })
    const done = await leadership.resign()
    this.#history.write({ kind: 'released', hold, at: monotonicMs(), done })
  }

  #leads(leadership: Leadership, hold: number): boolean {
    const at = monotonicMs()
    const { leading } = leadership
    if (leading) this.#history.write({ kind: 'holding', hold, at, until: at })
    return leading
  }
}

// Last, for it awaits: what stands behind it would not be there yet.
if (process.argv[1] === import.meta.filename) await main(JSON.parse(process.argv[2] ?? '') as MemberWorkerOptions)
