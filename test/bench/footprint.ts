/**
 * Bar 6: memory of the parent and of an idle worker, and the CPU time of an idle
 * fleet of 8, heartbeats on.
 *
 * A worker's memory is held against a plain `node` process that runs the same
 * program. The fleets stand side by side and are idle in the same window.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { readArguments } from './support/arguments.js'
import { bare, chooseContenders, plain, pm2, reeve, throng } from './support/contenders.js'
import { Fleet } from './support/fleet.js'
import { Fleets } from './support/fleets.js'
import { cpuMs, rssBytes } from './support/processes.js'
import { number, printBar, printTable, printTitle } from './support/report.js'
import { median } from './support/statistics.js'

interface Footprint {
  readonly parentMb: number
  readonly workerMb: number
  readonly aboveNodeMb: number
  /** Of one core, the whole tree. */
  readonly cpuPercent: number
}

const WORKERS = 8
/** V8 tidies its heap for some 10 s after a start: that is no idle CPU. */
const SETTLE_MS = 15_000
const { rounds, quick, only } = readArguments({ rounds: 3, quickRounds: 1 })
const windowMs = quick ? 10_000 : 30_000

printTitle(`footprint: ${WORKERS} idle workers, ${rounds} rounds of ${windowMs / 1_000} s`)
const contenders = chooseContenders([bare, throng, pm2, reeve], only)
const samples = new Map<string, Footprint[]>(contenders.map(({ name }) => [name, []]))
for (let round = 0; round < rounds; round++) await measure()

const of = (name: string, fact: keyof Footprint): number => median((samples.get(name) ?? []).map((sample) => sample[fact]))
printTable(
  ['contender', 'parent MB', 'worker MB', 'above node MB', 'idle CPU % of a core'],
  contenders.map(({ name }) => [
    name, number(of(name, 'parentMb')), number(of(name, 'workerMb')), number(of(name, 'aboveNodeMb')), of(name, 'cpuPercent').toFixed(3),
  ]),
)
printBar({ what: "RSS of Reeve's launcher", value: of('reeve', 'parentMb'), limit: { atMost: 65 }, unit: ' MB' })
printBar({ what: 'RSS of an idle worker above a plain node process', value: of('reeve', 'aboveNodeMb'), limit: { atMost: 12 }, unit: ' MB' })
printBar({ what: `idle CPU of ${WORKERS} workers and the launcher`, value: of('reeve', 'cpuPercent'), limit: { atMost: 0.7 }, unit: ' %' })

async function measure(): Promise<void> {
  await using node = await Fleet.start(plain, { workers: 1 })
  await using fleets = await Fleets.start(contenders, { workers: WORKERS })
  await delay(SETTLE_MS)
  const before = fleets.all.map((fleet) => cpuMs(fleet.allPids))
  await delay(windowMs)
  fleets.all.forEach((fleet, i) => {
    const cpuPercent = ((cpuMs(fleet.allPids) - (before[i] ?? Number.NaN)) / windowMs) * 100
    const workerMb = median(fleet.workerPids.map(rssMb))
    const aboveNodeMb = workerMb - rssMb(node.parentPid)
    samples.get(fleet.name)?.push({ parentMb: rssMb(fleet.parentPid), workerMb, aboveNodeMb, cpuPercent })
  })
}

function rssMb(pid: number): number {
  return rssBytes(pid) / 1e6
}
