/**
 * Bar 13: a fixed interval of 10 ms, its handler idle, and busy for 30 % of the time.
 *
 * Reeve's looping call beside a chain of `setTimeout` that is aligned to the grid,
 * and `setInterval`, in turns of 2 s in one process, so that they share the
 * machine's moments. Lateness is against each one's own grid. The chain that is
 * the bar waits on when it was woken early, as Reeve does; a chain that does not is
 * early by up to 1 ms half of the time, which makes its lateness look small and its
 * deviation, early or late, large. `--rounds N`: N turns of 2 s each.
 */
import { FixedIntervalLoopingCall } from '#src/loop/fixed-interval.js'
import { readArguments } from './support/arguments.js'
import { printBar, printTable, printTitle } from './support/report.js'
import { percentile } from './support/statistics.js'

const INTERVAL_MS = 10
const TURN_MS = 2_000
const DUTIES = [0, 0.3]

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
