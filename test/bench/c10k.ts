/**
 * The C10K experiment: what 100 times as many connections cost at the same
 * number of requests. 2 workers; 100, 1,000 and 10,000 keep-alive connections;
 * 2,000 requests a second over all of them in turn.
 *
 * Each measurement has a fleet of its own, for memory that V8 has once taken it
 * seldom gives back. What a fleet of 10,000 connections has grown by more than
 * one of 100, which answered as many requests, is the connections'.
 */
import { readArguments } from './support/arguments.js'
import { bare, chooseContenders, reeve } from './support/contenders.js'
import type { Contender } from './support/contender.js'
import { Fleet } from './support/fleet.js'
import { Load } from './support/load.js'
import { cpuMs, rssBytes } from './support/processes.js'
import { number, printBar, printTable, printTitle } from './support/report.js'
import { median, pairedRatio } from './support/statistics.js'

interface Sample {
  readonly perSecond: number
  readonly cpuMicroseconds: number
  readonly grownBytes: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly failures: Readonly<Record<string, number>>
}

const WORKERS = 2
const PER_SECOND = 2_000
const DESCRIPTORS = 20_000
/** Longer than the 5 s between two requests of one connection out of 10,000. */
const KEEP_ALIVE_MS = 65_000
/** So long that each of 10,000 connections has had its first request, which costs more than the next. */
const WARM_UP_MS = 7_000
const [FEW, MANY] = [100, 10_000]
const LEVELS = [FEW, 1_000, MANY]

const { rounds, quick, only } = readArguments({ rounds: 5, quickRounds: 1 })
const durationMs = quick ? 5_000 : 10_000

printTitle(`c10k: ${WORKERS} workers, ${PER_SECOND} requests/s, ${rounds} rounds of ${durationMs / 1_000} s`)
const contenders = chooseContenders([bare, reeve], only)
const samples = new Map<string, Sample[]>()
for (let round = 0; round < rounds; round++) {
  for (const connections of LEVELS) {
    for (const contender of contenders) samplesOf(contender.name, connections).push(await measure(contender, connections))
  }
}

printTable(
  ['contender', 'connections', 'requests/s', 'CPU µs/request', 'p50 ms', 'p99 ms', 'failures'],
  contenders.flatMap(({ name }) =>
    LEVELS.map((connections) => [
      name,
      String(connections),
      number(of(name, connections, 'perSecond')),
      number(of(name, connections, 'cpuMicroseconds')),
      number(of(name, connections, 'p50Ms')),
      number(of(name, connections, 'p99Ms')),
      failuresOf(samplesOf(name, connections)),
    ]),
  ),
)
printTable(
  ['contender', 'bytes a connection', `CPU a request, ${MANY} / ${FEW}`],
  contenders.map(({ name }) => [name, number(bytesAConnection(name)), number(cpuRatio(name))]),
)
const refused = LEVELS.flatMap((connections) => samplesOf('reeve', connections)).map(({ failures }) => Object.keys(failures).length)
printBar({ what: 'runs of Reeve with a failure', value: refused.length > 0 ? refused.filter((kinds) => kinds > 0).length : Number.NaN, limit: { atMost: 0 } })
printBar({ what: `CPU a request of Reeve, ${MANY} / ${FEW} connections`, value: cpuRatio('reeve'), limit: { atMost: 1.2 } })

async function measure(contender: Contender, connections: number): Promise<Sample> {
  const env = { BENCH_KEEP_ALIVE_MS: String(KEEP_ALIVE_MS) }
  await using fleet = await Fleet.start(contender, { workers: WORKERS, descriptors: DESCRIPTORS, env })
  const pids = fleet.allPids
  const rssBefore = totalRss(pids)
  const plan = { port: fleet.port, connections, style: 'keep-alive', perSecond: PER_SECOND, durationMs, warmUpMs: WARM_UP_MS } as const
  await using load = await Load.start(plan, DESCRIPTORS)
  const cpuBefore = cpuMs(pids)
  const { requests, elapsedMs, failures, p50Ms, p99Ms } = await load.result()
  const cpuMicroseconds = ((cpuMs(pids) - cpuBefore) / requests) * 1_000
  return { perSecond: (requests / elapsedMs) * 1_000, cpuMicroseconds, grownBytes: totalRss(pids) - rssBefore, p50Ms, p99Ms, failures }
}

function samplesOf(name: string, connections: number): Sample[] {
  const key = `${name} ${connections}`
  const found = samples.get(key) ?? []
  samples.set(key, found)
  return found
}

function of(name: string, connections: number, fact: Exclude<keyof Sample, 'failures'>): number {
  return median(samplesOf(name, connections).map((sample) => sample[fact]))
}

function cpuRatio(name: string): number {
  const [many, few] = [MANY, FEW].map((connections) => samplesOf(name, connections).map(({ cpuMicroseconds }) => cpuMicroseconds))
  return pairedRatio(many ?? [], few ?? [])
}

function bytesAConnection(name: string): number {
  return (of(name, MANY, 'grownBytes') - of(name, FEW, 'grownBytes')) / (MANY - FEW)
}

function failuresOf(all: readonly Sample[]): string {
  const texts = all.flatMap(({ failures }) => Object.entries(failures).map(([reason, count]) => `${count} ${reason}`))
  return texts.length > 0 ? texts.join(', ') : '0'
}

function totalRss(pids: readonly number[]): number {
  return pids.map(rssBytes).reduce((sum, bytes) => sum + bytes, 0)
}
