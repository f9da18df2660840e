import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { benchEnvironment } from './environment.js'
import { requestsOf } from './lock-client.js'
import type { ContenderReport, ContenderTask } from './lock-contender-process.js'
import { killAll } from './processes.js'
import type { BenchRedis } from './redis-bench.js'
import { callsBetween } from './redis-stats.js'
import { percentile } from './statistics.js'

export interface ContentionPlan {
  readonly contender: string
  readonly processes: number
  readonly windowMs: number
  readonly holdMs: number
  readonly pauseMs: number
  readonly lock: string
}

export interface Contention {
  readonly turnsPerSecond: number
  /** Of a hundred turns, how many went to the process that had it just before. */
  readonly againPercent: number
  /** From the request to release until another process has it. */
  readonly gapMs: { readonly p50: number; readonly p99: number; readonly most: number }
  readonly turns: { readonly fewest: number; readonly most: number }
  /** One that had not ended with the window counts as long as it lasted. */
  readonly longestWaitMs: number
  readonly requestsPerTurn: number
  /** How often one got in before the one before it had asked to release. */
  readonly overlaps: number
}

/** Between the last process being ready and the start of the window, so that all hear of it in time. */
const LEAD_MS = 100
const PROGRAM = fileURLToPath(new URL('lock-contender-process.js', import.meta.url))

/** Lets processes fight for one lock for a while. Leaves none of them behind. */
export async function contend(redis: BenchRedis, plan: ContentionPlan): Promise<Contention> {
  const { contender, processes, windowMs, holdMs, pauseMs, lock } = plan
  const children = Array.from({ length: processes }, () => fork(PROGRAM, [], { env: benchEnvironment(), stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }))
  try {
    await Promise.all(children.map((child) => ask(child, { kind: 'open', contender, url: redis.urlFor(contender), lock, holdMs, pauseMs })))
    const requests = await requestsOf(contender)
    const startAt = process.hrtime.bigint() + BigInt(LEAD_MS * 1e6)
    const before = await redis.stats.commandCalls()
    const reports = (await Promise.all(children.map((child) => ask(child, { kind: 'run', startAt: String(startAt), windowMs })))) as ContenderReport[]
    const calls = callsBetween(before, await redis.stats.commandCalls(), requests)
    return summarize(reports, calls, windowMs)
  } finally {
    await killAll(children.map(({ pid = -1 }) => pid).filter((pid) => pid > 0))
  }
}

async function ask(child: ChildProcess, task: ContenderTask): Promise<unknown> {
  child.send(task)
  const answer = await Promise.race([
    once(child, 'message').then(([message]: unknown[]) => message),
    once(child, 'exit').then(([code]: unknown[]) => { throw new Error(`Cannot go on as a contending process has ended: exit code ${String(code)}`) }),
  ])
  return answer
}

function summarize(reports: readonly ContenderReport[], calls: number, windowMs: number): Contention {
  const turns = reports.flatMap(({ taken, released }, owner) => taken.map((at, i) => ({ owner, taken: at, released: released[i] ?? Number.NaN }))).sort((a, b) => a.taken - b.taken)
  const pairs = turns.slice(1).map((turn, i) => ({ again: turn.owner === turns[i]?.owner, gap: turn.taken - (turns[i]?.released ?? Number.NaN) }))
  const gaps = pairs.filter(({ again, gap }) => !again && gap >= 0).map(({ gap }) => gap)
  const counts = reports.map(({ taken }) => taken.length)
  return {
    turnsPerSecond: turns.length / (windowMs / 1_000),
    againPercent: (100 * pairs.filter(({ again }) => again).length) / pairs.length,
    gapMs: { p50: percentile(gaps, 50), p99: percentile(gaps, 99), most: percentile(gaps, 100) },
    turns: { fewest: Math.min(...counts), most: Math.max(...counts) },
    longestWaitMs: Math.max(...reports.map(({ longestWaitMs }) => longestWaitMs)),
    requestsPerTurn: calls / turns.length,
    overlaps: pairs.filter(({ gap }) => gap < 0).length,
  }
}
