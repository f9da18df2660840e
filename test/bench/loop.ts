/**
 * Bar 13: a fixed interval of 10 ms, its handler idle, and busy for 30 % of the time;
 * then every other kind of looping call, and 10,000 of them at once.
 *
 * Reeve's looping call beside a chain of `setTimeout` that is aligned to the grid,
 * and `setInterval`, in turns of 2 s in one process, so that they share the
 * machine's moments. Lateness is against each one's own grid. The chain that is
 * the bar waits on when it was woken early, as Reeve does; a chain that does not is
 * early by up to 1 ms half of the time, which makes its lateness look small and its
 * deviation, early or late, large. `--rounds N`: N turns of 2 s each.
 *
 * Those that pause from the end of a call are held against a chain that does the
 * same; cron, which knows seconds only, against the wall clock.
 */
import type { Logger } from '#src/log/logger.js'
import { BackOffLoopingCall } from '#src/loop/back-off.js'
import { CronTasks } from '#src/loop/cron/cron-tasks.js'
import { DynamicLoopingCall } from '#src/loop/dynamic.js'
import { FixedIntervalLoopingCall } from '#src/loop/fixed-interval.js'
import { FixedIntervalWithTimeoutLoopingCall } from '#src/loop/fixed-interval-with-timeout.js'
import { PeriodicTasks } from '#src/loop/periodic/periodic-tasks.js'
import { readArguments } from './support/arguments.js'
import { printBar, printTable, printTitle } from './support/report.js'
import { percentile } from './support/statistics.js'

const INTERVAL_MS = 10
const TURN_MS = 2_000
const DUTIES = [0, 0.3]
const MANY = 10_000
const MANY_INTERVAL_MS = 1_000
const log: Logger = { error: console.error, warn: console.error, info() {}, debug() {}, trace() {}, child: () => log, isEnabled: () => true }

/** Calls `tick` at each point of a grid until `durationMs` has passed; gives back where the grid began. */
type Contender = (tick: () => void, durationMs: number) => Promise<number>

/** When `tick` was called, less its point on the grid, in ms; and from call to call. */
interface Sample {
  readonly lateness: number[]
  readonly periods: number[]
  cpuMs: number
}

const contenders: Readonly<Record<string, Contender>> = { reeve, aligned, 'aligned, may be early': alignedOrEarly, setInterval: interval }
const { rounds } = readArguments({ rounds: 10, quickRounds: 2 })
printTitle(`loop: every ${INTERVAL_MS} ms, ${rounds} turns of ${TURN_MS / 1_000} s`)
for (const duty of DUTIES) await runDuty(duty)
await runKinds()
await runMany()

async function runDuty(duty: number): Promise<void> {
  const samples: Record<string, Sample> = Object.fromEntries(Object.keys(contenders).map((name) => [name, { lateness: [], periods: [], cpuMs: 0 }]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, contender] of Object.entries(contenders)) {
      const sample = samples[name]
      if (sample) await takeTurn(contender, duty, sample)
    }
  }
  const header = [`duty ${duty * 100} %`, 'mean period', 'p50 late', 'p99 late', 'p99 off', 'earliest', 'calls', 'CPU %']
  printTable(header, Object.entries(samples).map(([name, { lateness, periods, cpuMs }]) => [
    name, mean(periods).toFixed(3), percentile(lateness, 50).toFixed(3), percentile(lateness, 99).toFixed(3), percentile(lateness.map(Math.abs), 99).toFixed(3),
    Math.min(...lateness).toFixed(3), String(lateness.length), ((100 * cpuMs) / (rounds * TURN_MS)).toFixed(1),
  ]))
  const p99 = (name: string): number => percentile(samples[name]?.lateness ?? [], 99)
  printBar({ what: `duty ${duty * 100} %, mean period`, value: Math.abs(mean(samples['reeve']?.periods ?? []) - INTERVAL_MS), limit: { atMost: 0.01 }, unit: ' ms off' })
  printBar({ what: `duty ${duty * 100} %, p99 lateness, reeve / aligned`, value: p99('reeve') / p99('aligned'), limit: { atMost: 1.1 } })
  console.log()
}

async function takeTurn(contender: Contender, duty: number, sample: Sample): Promise<void> {
  const starts: number[] = []
  const cpu = process.cpuUsage()
  const first = await contender(() => {
    const start = performance.now()
    starts.push(start)
    while (performance.now() < start + duty * INTERVAL_MS);
  }, TURN_MS)
  const { user, system } = process.cpuUsage(cpu)
  sample.cpuMs += (user + system) / 1_000
  sample.lateness.push(...starts.map((at) => at - first - Math.max(0, Math.round((at - first) / INTERVAL_MS)) * INTERVAL_MS))
  const [begin = 0, end = 0] = [starts[0], starts.at(-1)]
  sample.periods.push((end - begin) / Math.round((end - begin) / INTERVAL_MS))
}

async function reeve(tick: () => void, durationMs: number): Promise<number> {
  const loop = new FixedIntervalLoopingCall(tick)
  const first = performance.now() + INTERVAL_MS
  loop.start({ intervalMs: INTERVAL_MS, initialDelayMs: INTERVAL_MS })
  await new Promise((resolve) => setTimeout(resolve, durationMs))
  await loop.stop()
  return first
}

function aligned(tick: () => void, durationMs: number): Promise<number> {
  return chain(tick, durationMs, 0)
}

function alignedOrEarly(tick: () => void, durationMs: number): Promise<number> {
  return chain(tick, durationMs, INTERVAL_MS)
}

/** `earlyMs`: how long before its point a call may begin. */
async function chain(tick: () => void, durationMs: number, earlyMs: number): Promise<number> {
  const first = performance.now() + INTERVAL_MS
  await new Promise<void>((resolve) => {
    let point = 0
    const next = (): void => {
      const leftMs = first + point * INTERVAL_MS - performance.now()
      if (leftMs > earlyMs) return void setTimeout(next, leftMs)
      if (point * INTERVAL_MS > durationMs) return resolve()
      tick()
      point = Math.max(point + 1, Math.ceil((performance.now() - first) / INTERVAL_MS))
      setTimeout(next, first + point * INTERVAL_MS - performance.now())
    }
    setTimeout(next, INTERVAL_MS)
  })
  return first
}

async function interval(tick: () => void, durationMs: number): Promise<number> {
  const first = performance.now() + INTERVAL_MS
  const timer = setInterval(tick, INTERVAL_MS)
  await new Promise((resolve) => setTimeout(resolve, durationMs))
  clearInterval(timer)
  return first
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Calls `tick` with the time for which the call was planned, until `durationMs` has passed. */
type Kind = (tick: (plannedAt: number) => void, durationMs: number) => Promise<void>

async function runKinds(): Promise<void> {
  const onGrid: Readonly<Record<string, Kind>> = { aligned: chainOnGrid, 'with timeout': withTimeout, 'periodic task': periodic }
  const fromEnd: Readonly<Record<string, Kind>> = { 'chain from the end': chainFromEnd, dynamic, 'back-off': backOff }
  const kinds = { ...onGrid, ...fromEnd, 'cron, each second': cron }
  const lateness: Record<string, number[]> = Object.fromEntries(Object.keys(kinds).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, kind] of Object.entries(kinds)) {
      const now = kind === cron ? Date.now : () => performance.now()
      await kind((plannedAt) => lateness[name]?.push(now() - plannedAt), TURN_MS)
    }
  }
  printTable(['every kind', 'p50 late', 'p99 late', 'earliest', 'calls'], Object.entries(lateness).map(([name, late]) => [
    name, percentile(late, 50).toFixed(3), percentile(late, 99).toFixed(3), Math.min(...late).toFixed(3), String(late.length),
  ]))
  for (const [floor, group] of [['aligned', onGrid], ['chain from the end', fromEnd]] as const) {
    for (const name of Object.keys(group).filter((each) => each !== floor)) {
      const value = percentile(lateness[name] ?? [], 99) / percentile(lateness[floor] ?? [], 99)
      printBar({ what: `p99 lateness, ${name} / ${floor}`, value, limit: { atMost: 1.1 } })
    }
  }
}

/** Plans by the grid for which `first` was planned. */
function gridTick(first: number, tick: (plannedAt: number) => void): () => void {
  return () => tick(first + Math.max(0, Math.floor((performance.now() - first) / INTERVAL_MS)) * INTERVAL_MS)
}

/** Plans each call an interval after the end of the one before. */
function pausedTick(tick: (plannedAt: number) => void): () => void {
  let plannedAt = performance.now() + INTERVAL_MS
  return () => {
    tick(plannedAt)
    plannedAt = performance.now() + INTERVAL_MS
  }
}

async function chainOnGrid(tick: (plannedAt: number) => void, durationMs: number): Promise<void> {
  await aligned(gridTick(performance.now() + INTERVAL_MS, tick), durationMs)
}

async function withTimeout(tick: (plannedAt: number) => void, durationMs: number): Promise<void> {
  const loop = new FixedIntervalWithTimeoutLoopingCall(gridTick(performance.now() + INTERVAL_MS, tick), { onError: () => {} })
  const run = loop.start({ intervalMs: INTERVAL_MS, initialDelayMs: INTERVAL_MS, timeoutMs: durationMs, abortOnTimeout: true })
  await run.wait().catch(() => {})
}

async function periodic(tick: (plannedAt: number) => void, durationMs: number): Promise<void> {
  const tasks = new PeriodicTasks({ name: 'bench', log: { ...log, warn() {} } })
  tasks.register('tick', { spacingMs: INTERVAL_MS }, gridTick(performance.now() + INTERVAL_MS, tick))
  tasks.start()
  await new Promise((resolve) => setTimeout(resolve, durationMs))
  await tasks.stop()
}

async function chainFromEnd(tick: (plannedAt: number) => void, durationMs: number): Promise<void> {
  const paused = pausedTick(tick)
  const endAt = performance.now() + durationMs
  await new Promise<void>((resolve) => {
    let at = performance.now() + INTERVAL_MS
    const next = (): void => {
      const now = performance.now()
      if (now < at) return void setTimeout(next, at - now)
      if (now > endAt) return resolve()
      paused()
      at = performance.now() + INTERVAL_MS
      setTimeout(next, INTERVAL_MS)
    }
    setTimeout(next, INTERVAL_MS)
  })
}

async function dynamic(tick: (plannedAt: number) => void, durationMs: number): Promise<void> {
  const paused = pausedTick(tick)
  const loop = new DynamicLoopingCall(() => {
    paused()
    return INTERVAL_MS
  })
  loop.start({ initialDelayMs: INTERVAL_MS })
  await new Promise((resolve) => setTimeout(resolve, durationMs))
  await loop.stop()
}

/** With this chance the normal deviate is 0: the pause is the interval. */
async function backOff(tick: (plannedAt: number) => void, durationMs: number): Promise<void> {
  const paused = pausedTick(tick)
  const loop = new BackOffLoopingCall(() => {
    paused()
    return true
  }, { random: () => 0 })
  loop.start({ startingIntervalMs: INTERVAL_MS, jitter: 1, initialDelayMs: INTERVAL_MS })
  await new Promise((resolve) => setTimeout(resolve, durationMs))
  await loop.stop()
}

async function cron(tick: (plannedAt: number) => void, durationMs: number): Promise<void> {
  const tasks = new CronTasks({ name: 'bench', log })
  tasks.schedule('* * * * * *', (_signal, { fireTime }) => tick(fireTime.getTime()), { name: 'tick' })
  await new Promise((resolve) => setTimeout(resolve, durationMs))
  await tasks.stop()
}

/** Starts a timer whose calls are planned for `first + n * MANY_INTERVAL_MS`; gives back what ends it. */
type Starter = (first: number, tick: () => void) => () => unknown

async function runMany(): Promise<void> {
  const starters: Readonly<Record<string, Starter>> = { reeve: reeveTimer, aligned: alignedTimer, setInterval: plainTimer }
  const rows: string[][] = []
  const p99: Record<string, number> = {}
  for (const [name, start] of Object.entries(starters)) {
    const late: number[] = []
    const memory = process.memoryUsage().rss
    const begin = performance.now() + 3_000
    const ends = Array.from({ length: MANY }, (_, i) => {
      const first = begin + (i * MANY_INTERVAL_MS) / MANY
      return start(first, () => late.push((performance.now() - first) % MANY_INTERVAL_MS))
    })
    const cpu = process.cpuUsage()
    const startedAt = performance.now()
    await new Promise((resolve) => setTimeout(resolve, Math.max(7_000, rounds * 1_000)))
    const { user, system } = process.cpuUsage(cpu)
    const tookMs = performance.now() - startedAt
    const bytes = (process.memoryUsage().rss - memory) / MANY
    await Promise.all(ends.map((end) => end()))
    p99[name] = percentile(late, 99)
    rows.push([name, percentile(late, 50).toFixed(3), p99[name].toFixed(3), String(late.length), ((user + system) / 10 / tookMs).toFixed(1), bytes.toFixed(0)])
  }
  printTable([`${MANY} timers, 1 s`, 'p50 late', 'p99 late', 'calls', 'CPU %', 'bytes each'], rows)
  printBar({ what: `${MANY} timers, p99 lateness, reeve / aligned`, value: (p99['reeve'] ?? NaN) / (p99['aligned'] ?? NaN), limit: { atMost: 1.1 } })
}

function reeveTimer(first: number, tick: () => void): () => unknown {
  const loop = new FixedIntervalLoopingCall(tick)
  loop.start({ intervalMs: MANY_INTERVAL_MS, initialDelayMs: Math.max(0, first - performance.now()) })
  return () => loop.stop()
}

function alignedTimer(first: number, tick: () => void): () => unknown {
  let point = 0
  const next = (): void => {
    const leftMs = first + point * MANY_INTERVAL_MS - performance.now()
    if (leftMs > 0) {
      timer = setTimeout(next, leftMs)
      return
    }
    tick()
    point = Math.max(point + 1, Math.ceil((performance.now() - first) / MANY_INTERVAL_MS))
    timer = setTimeout(next, first + point * MANY_INTERVAL_MS - performance.now())
  }
  let timer = setTimeout(next, first - performance.now())
  return () => clearTimeout(timer)
}

function plainTimer(first: number, tick: () => void): () => unknown {
  let interval: NodeJS.Timeout | undefined
  const timer = setTimeout(() => {
    tick()
    interval = setInterval(tick, MANY_INTERVAL_MS)
  }, first - performance.now())
  return () => {
    clearTimeout(timer)
    clearInterval(interval)
  }
}
