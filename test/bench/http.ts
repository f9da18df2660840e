/**
 * Bar 4: requests a second through 2 workers, with a new connection for each
 * request, and over 32 keep-alive connections.
 *
 * The fleets stand side by side and are loaded in turn. Client and servers share
 * the machine, so the fleet's own CPU time per request is printed too: it knows
 * nothing of what the client costs.
 */
import { readArguments } from './support/arguments.js'
import { bare, chooseContenders, pm2, reeve, reeveScript, throng } from './support/contenders.js'
import type { Fleet } from './support/fleet.js'
import { Fleets } from './support/fleets.js'
import { failureCount, Load } from './support/load.js'
import type { LoadPlan } from './support/load-plan.js'
import { cpuMs } from './support/processes.js'
import { number, printBar, printTable, printTitle } from './support/report.js'
import { median, pairedRatio } from './support/statistics.js'

type Style = LoadPlan['style']

interface Sample {
  readonly perSecond: number
  readonly cpuMicroseconds: number
  /** Of the workers' CPU time, the part of the one that had most: 50 when 2 share the load evenly. */
  readonly busiestPercent: number
  readonly p99Ms: number
  readonly failures: number
}

const WORKERS = 2
const CONNECTIONS = 32
const { rounds, quick, only } = readArguments({ rounds: 10, quickRounds: 3 })
const durationMs = quick ? 1_000 : 3_000

printTitle(`http: ${WORKERS} workers, ${CONNECTIONS} connections at a time, ${rounds} rounds of ${durationMs} ms`)
const contenders = chooseContenders([bare, throng, pm2, reeve, reeveScript], only)
await using fleets = await Fleets.start(contenders, { workers: WORKERS })

for (const style of ['new-connections', 'keep-alive'] as const) await compare(style)

async function compare(style: Style): Promise<void> {
  const samples = new Map<string, Sample[]>(contenders.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const fleet of fleets.all) samples.get(fleet.name)?.push(await measure(fleet, style))
  }
  const rates = (name: string): number[] => (samples.get(name) ?? []).map(({ perSecond }) => perSecond)
  printTable(
    [style, 'requests/s', '× bare', 'fleet CPU µs/request', 'busiest worker %', 'p99 ms', 'failures'],
    [...samples].map(([name, all]) => [
      name,
      number(median(rates(name))),
      number(pairedRatio(rates(name), rates('bare'))),
      number(median(all.map(({ cpuMicroseconds }) => cpuMicroseconds))),
      number(median(all.map(({ busiestPercent }) => busiestPercent))),
      number(median(all.map(({ p99Ms }) => p99Ms))),
      String(all.reduce((sum, { failures }) => sum + failures, 0)),
    ]),
  )
  const limit = { atLeast: style === 'keep-alive' ? 0.97 : 1.5 }
  printBar({ what: `${style}, requests/s, reeve / bare`, value: pairedRatio(rates('reeve'), rates('bare')), limit })
}

async function measure(fleet: Fleet, style: Style): Promise<Sample> {
  const [all, workers] = [fleet.allPids, fleet.workerPids]
  await using load = await Load.start({ port: fleet.port, connections: CONNECTIONS, style, durationMs, warmUpMs: 300 })
  const before = { fleetMs: cpuMs(all), workersMs: workers.map((pid) => cpuMs([pid])) }
  const result = await load.result()
  const workersMs = workers.map((pid, i) => cpuMs([pid]) - (before.workersMs[i] ?? Number.NaN))
  return {
    perSecond: (result.requests / result.elapsedMs) * 1_000,
    cpuMicroseconds: ((cpuMs(all) - before.fleetMs) / result.requests) * 1_000,
    busiestPercent: (Math.max(...workersMs) / workersMs.reduce((sum, ms) => sum + ms, 0)) * 100,
    p99Ms: result.p99Ms,
    failures: failureCount(result),
  }
}
