import assert from 'node:assert/strict'
import { ClockSkew } from './clock-skew.js'
import { LockTrial, type Findings } from './lock-trial.js'
import { FAULTS, type Fault } from './nemesis.js'
import { ProxiedRedis } from './proxied-redis.js'

export interface SoakOptions {
  readonly seconds: number
  /** Whole; the order of the faults follows from it, what else happens does not. */
  readonly seed: number
  readonly workers?: number
  /** Told what is done. */
  readonly say?: (line: string) => void
}

/** How long one set of processes is used: their history is judged whole. */
const ROUND_MS = 60_000

/** One fault after the other, in an order drawn by lot, under locks in use. @throws AssertionError when they did not keep their word */
export async function soakLocks({ seconds, seed, workers = 4, say = () => {} }: SoakOptions): Promise<{ readonly grants: number; readonly strikes: number }> {
  const random = randomFrom(seed)
  const end = performance.now() + seconds * 1_000
  let [grants, strikes] = [0, 0]
  for (let round = 1; performance.now() < end; round++) {
    // A clock that jumps ends leases early: those rounds are judged by their fences alone.
    const jumping = round % 4 === 0 ? await ClockSkew.create() : undefined
    const skew = typeof jumping === 'string' ? undefined : jumping
    const faults = FAULTS.filter(({ jumps }) => skew !== undefined || jumps !== true)
    try {
      const done = await soakRound({ workers, skew, faults, random, say, endsAt: Math.min(end, performance.now() + ROUND_MS) })
      grants += done.findings.holds.length
      strikes += done.strikes
      say(`round ${round}: ${done.strikes} faults, ${done.findings.holds.length} grants, ${done.findings.refusedWrites} late writes refused`)
      assertKept(done.findings, skew === undefined)
    } finally {
      skew?.remove()
    }
  }
  return { grants, strikes }
}

interface Round {
  readonly workers: number
  readonly skew: ClockSkew | undefined
  readonly faults: readonly Fault[]
  readonly random: () => number
  readonly say: (line: string) => void
  readonly endsAt: number
}

async function soakRound({ workers, skew, faults, random, say, endsAt }: Round): Promise<{ readonly findings: Findings; readonly strikes: number }> {
  const redis = await ProxiedRedis.start([], skew?.env)
  const trial = await LockTrial.start(redis, workers)
  let strikes = 0
  try {
    while (performance.now() < endsAt) {
      const fault = faults[Math.floor(random() * faults.length)]
      assert.ok(fault)
      say(`  ${fault.name}`)
      await fault.strike({ trial, redis, skew, random })
      await trial.progress()
      strikes++
    }
    return { findings: await trial.judge(({ call }) => call), strikes }
  } finally {
    await trial.close()
  }
}

/** What the fences alone promise, of whatever store: no update is lost. @throws AssertionError */
export function assertFenced({ crashes, lostUpdates, fences }: Findings): void {
  assert.deepEqual({ crashes, lostUpdates, fences }, { crashes: [], lostUpdates: [], fences: [] })
}

/** And what a store promises that keeps what it acknowledged, or grants nothing after it has not. @throws AssertionError */
export function assertKept(findings: Findings, exclusive: boolean): void {
  assertFenced(findings)
  if (exclusive) assert.deepEqual(findings.overlaps, [])
  assert.equal(findings.disorders.join('\n'), '')
}

/** 0…1, the same for the same seed (SplitMix's mixer). */
function randomFrom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    const once = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35)
    return ((twice ^ (twice >>> 16)) >>> 0) / 2 ** 32
  }
}
