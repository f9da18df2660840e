/** A process that wants one lock all the time, holds it for a moment, and wants it again. Its parent is lock-contention.ts. */
import { setTimeout as delay } from 'node:timers/promises'
import { openLockClient, type LockClient } from './lock-client.js'

export type ContenderTask =
  | { readonly kind: 'open'; readonly contender: string; readonly url: string; readonly lock: string; readonly holdMs: number; readonly pauseMs: number }
  /** `startAt`: `process.hrtime.bigint()` as text. */
  | { readonly kind: 'run'; readonly startAt: string; readonly windowMs: number }

/** Times are ms since the start of the window. */
export interface ContenderReport {
  /** When each acquire had returned. */
  readonly taken: readonly number[]
  /** When each release was asked for. */
  readonly released: readonly number[]
  readonly longestWaitMs: number
}

let client: LockClient | undefined
let opened: Extract<ContenderTask, { kind: 'open' }> | undefined

process.on('message', (task: ContenderTask) => {
  if (task.kind === 'open') void open(task)
  else void contend(BigInt(task.startAt), task.windowMs)
})
process.on('disconnect', () => process.exit())

async function open(task: Extract<ContenderTask, { kind: 'open' }>): Promise<void> {
  opened = task
  client = await openLockClient(task.contender, task.url)
  // Another lock, so that scripts and code are warm.
  for (let n = 0; n < 20; n++) await (await client.acquire(`${task.lock}-warm-up-${process.pid}`))()
  process.send?.('ready')
}

async function contend(startAt: bigint, windowMs: number): Promise<void> {
  const now = (): number => Number(process.hrtime.bigint() - startAt) / 1e6
  const taken: number[] = []
  const released: number[] = []
  let askedAt = 0
  let longestWaitMs = 0
  const end = async (): Promise<void> => {
    await delay(windowMs - now())
    // Whoever holds it now has been counted, and releases no more: the parent ends this process.
    if (taken.length > released.length) released.push(now())
    const report: ContenderReport = { taken: [...taken], released: [...released], longestWaitMs: Math.max(longestWaitMs, askedAt === 0 ? 0 : now() - askedAt) }
    process.send?.(report)
  }
  await delay(Math.max(0, -now()))
  void end()
  while (client && opened && now() < windowMs) {
    askedAt = now()
    const release = await client.acquire(opened.lock)
    taken.push(now())
    longestWaitMs = Math.max(longestWaitMs, now() - askedAt)
    askedAt = 0
    await delay(opened.holdMs)
    released.push(now())
    await release()
    await delay(opened.pauseMs)
  }
}
