/**
 * A process that does nothing but take locks, use them and give them back, and writes
 * down what it was told and when. It ends by SIGTERM, with 0; whatever it did not
 * expect ends it with something else.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Coordinator, HeldLock } from '#src/coordination/contract.js'
import { getCoordinator } from '#src/coordination/get-coordinator.js'
import { FencedResourceClient } from './fenced-resource.js'
import { HistoryWriter, monotonicMs } from './history.js'

export interface LockWorkerOptions {
  readonly url: string
  readonly member: string
  /** Where its history goes. */
  readonly folder: string
  /** Socket of the FencedResource. */
  readonly resource: string
  readonly ttlMs: number
  readonly maxTtlMs: number
}

/** Times are `monotonicMs()`. A `hold` is one grant of one process. */
export type LockEvent =
  /** `call`: of the acquisition. `until`: held for certain until then, without a further renewal. */
  | { readonly kind: 'granted'; readonly hold: number; readonly name: string; readonly capacity: number; readonly weight: number; readonly fence: string; readonly call: number; readonly at: number; readonly until: number }
  /** `held` was true at `at`. */
  | { readonly kind: 'holding'; readonly hold: number; readonly at: number; readonly until: number }
  | { readonly kind: 'lost' | 'releasing'; readonly hold: number; readonly at: number }
  | { readonly kind: 'released'; readonly hold: number; readonly at: number; readonly done: boolean }

/** What there is to take. Readers weigh one, the writer all of it. */
export const TARGETS = ['mutex 1', 'mutex 2', 'mutex {3}', 'semaphore', 'read', 'write'] as const
export const SEMAPHORE_LIMIT = 3
/** More than any number of readers. */
const WRITER = 1_000_000

/** What an acquisition may meet while there is trouble. */
const EXPECTED = ['LOCK_TIMEOUT', 'COORDINATION_UNAVAILABLE', 'COORDINATION_REFUSED', 'COORDINATION_NOT_REPLICATED', 'LOCK_LOST']

const options = JSON.parse(process.argv[2] ?? '') as LockWorkerOptions
const history = new HistoryWriter<LockEvent>(options.folder, options.member)
const stop = new AbortController()
let holds = 0
process.once('SIGTERM', () => stop.abort())
// Nobody is left to stop it.
process.once('disconnect', () => process.exit())
await main()

async function main(): Promise<void> {
  const resource = await FencedResourceClient.connect(options.resource)
  const coordinator = await getCoordinator(options.url, options.member, { ttlMs: options.ttlMs, maxTtlMs: options.maxTtlMs })
  process.send?.('ready')
  await Promise.all(TARGETS.map((target) => takeTurns(coordinator, resource, target)))
  await coordinator.stop()
  resource.close()
  if (process.connected) process.disconnect()
}

async function takeTurns(coordinator: Coordinator, resource: FencedResourceClient, target: (typeof TARGETS)[number]): Promise<void> {
  while (!stop.signal.aborted) {
    const call = monotonicMs()
    try {
      const { held, ...facts } = await acquire(coordinator, target)
      const at = monotonicMs()
      const until = at + held.remainingMs
      const hold = ++holds
      history.write({ kind: 'granted', hold, ...facts, name: held.name, fence: String(held.fence), call, at, until })
      await use(held, hold, facts.weight === facts.capacity ? resource : undefined)
    } catch (error) {
      if (stop.signal.aborted) return
      if (!EXPECTED.includes((error as { readonly code?: string }).code ?? '')) throw error
      await sleep(20)
    }
    await sleep(Math.random() * 4)
  }
}

async function acquire(coordinator: Coordinator, target: (typeof TARGETS)[number]): Promise<{ readonly held: HeldLock; readonly capacity: number; readonly weight: number }> {
  const patience = { timeoutMs: 2_000, signal: stop.signal }
  switch (target) {
    case 'semaphore': {
      const weight = 1 + Math.floor(Math.random() * 2)
      return { held: await coordinator.semaphore('semaphore', { limit: SEMAPHORE_LIMIT }).acquire({ ...patience, weight }), capacity: SEMAPHORE_LIMIT, weight }
    }
    case 'read':
      return { held: await coordinator.readWriteLock('document').read.acquire(patience), capacity: WRITER, weight: 1 }
    case 'write':
      return { held: await coordinator.readWriteLock('document').write.acquire(patience), capacity: WRITER, weight: WRITER }
    default:
      return { held: await coordinator.lock(target).acquire(patience), capacity: 1, weight: 1 }
  }
}

/** An update of the resource, in small steps, each of which asks first whether it is still held. */
async function use(held: HeldLock, hold: number, resource: FencedResourceClient | undefined): Promise<void> {
  held.lost.addEventListener('abort', () => history.write({ kind: 'lost', hold, at: monotonicMs() }), { once: true })
  const value = await resource?.read(held.name, held.fence)
  for (let step = 0; step < 3; step++) {
    await sleep(Math.random() * 3)
    if (!noteHeld(held, hold)) break
  }
  // Not asked again: a holder that has stood still here is for the fence to refuse.
  if (value !== undefined) await resource?.write(held.name, held.fence, value + 1)
  history.write({ kind: 'releasing', hold, at: monotonicMs() })
  const done = await held.release()
  history.write({ kind: 'released', hold, at: monotonicMs(), done })
}

function noteHeld(held: HeldLock, hold: number): boolean {
  const at = monotonicMs()
  const { remainingMs } = held
  if (remainingMs > 0) history.write({ kind: 'holding', hold, at, until: at + remainingMs })
  return remainingMs > 0
}
