/**
 * Bar 10: what a call in a thread costs. No-op, 1 KB there and back, 1 MB there and
 * back (copied); one at a time, and 200 in flight over 20 threads; Reeve's pool
 * beside piscina, tinypool, workerpool, and bare messages, which no pool can beat by much.
 *
 * All pools live in this process, idle but in their own turns; a ratio is of two
 * turns of one round. The floor takes its threads in turns, so that one call at a
 * time always wakes one that has slept for long; the pools keep to the last one.
 */
import { pathToFileURL } from 'node:url'
import { ThreadPool } from '#src/tpool/index.js'
import { readArguments } from './support/arguments.js'
import { contenderFile, installPeers } from './support/paths.js'
import { number, printBar, printTable, printTitle } from './support/report.js'
import { median, pairedRatio } from './support/statistics.js'

const THREADS = 20
const IN_FLIGHT = 200
const REEVE = 'reeve'
const FLOOR = 'raw postMessage'

interface Pool {
  noop(): PromiseLike<unknown>
  echo(value: Uint8Array): PromiseLike<unknown>
  close(): PromiseLike<unknown>
}

interface Work {
  readonly name: string
  readonly call: (pool: Pool) => PromiseLike<unknown>
}

/** Of one turn, per call, in µs. */
interface Turn {
  readonly wall: number
  readonly cpu: number
}

/** What the benchmark calls of tpool-work.mjs. */
interface Module {
  noop(): void
  echo(value: Uint8Array): Uint8Array
}

const [kilobyte, megabyte] = [new Uint8Array(1_000).fill(7), new Uint8Array(1_000_000).fill(7)]
const WORKS: readonly Work[] = [
  { name: 'no-op', call: (pool) => pool.noop() },
  { name: '1 KB', call: (pool) => pool.echo(kilobyte) },
  { name: '1 MB', call: (pool) => pool.echo(megabyte) },
]

const { rounds, quick, only } = readArguments({ rounds: 9, quickRounds: 2 })
const turnMs = quick ? 100 : 300
printTitle(`tpool: ${THREADS} threads, ${rounds} rounds of turns of ${turnMs} ms`)
installPeers()
const pools = await openPools()
const turns = new Map<string, Turn[]>()
for (const pool of pools.values()) await warmUp(pool)
for (let round = 0; round < rounds; round++) {
  for (const work of WORKS) for (const inFlight of [1, IN_FLIGHT]) await takeTurns(work, inFlight)
}
for (const pool of pools.values()) await pool.close()
for (const work of WORKS) for (const inFlight of [1, IN_FLIGHT]) report(work, inFlight)
const [noop] = WORKS
if (noop) printBars(noop)

async function openPools(): Promise<Map<string, Pool>> {
  const { openers } = await import(pathToFileURL(contenderFile('tpool-peers.mjs')).href) as { readonly openers: Readonly<Record<string, (threads: number) => Pool>> }
  const all: Readonly<Record<string, (threads: number) => Pool | Promise<Pool>>> = { [REEVE]: openReeve, ...openers }
  const opened = new Map<string, Pool>()
  for (const [name, open] of Object.entries(all)) if (only?.includes(name) ?? true) opened.set(name, await open(THREADS))
  return opened
}

async function openReeve(threads: number): Promise<Pool> {
  const pool = new ThreadPool({ threads, name: 'bench' })
  const work = await pool.proxy<Module>(pathToFileURL(contenderFile('tpool-work.mjs')))
  return { noop: () => work.noop(), echo: (value) => work.echo(value), close: () => pool.close() }
}

/** Long enough for every thread to have started and its code to be compiled. */
async function warmUp(pool: Pool): Promise<void> {
  for (const work of WORKS) await takeTurn(pool, work, IN_FLIGHT)
}

async function takeTurns(work: Work, inFlight: number): Promise<void> {
  for (const [name, pool] of pools) turnsOf(name, work, inFlight).push(await takeTurn(pool, work, inFlight))
}

/** `inFlight` loops of one call after the other. */
async function takeTurn(pool: Pool, { call }: Work, inFlight: number): Promise<Turn> {
  let calls = 0
  const cpu = process.cpuUsage()
  const start = performance.now()
  await Promise.all(Array.from({ length: inFlight }, async () => {
    while (performance.now() < start + turnMs) {
      await call(pool)
      calls++
    }
  }))
  const { user, system } = process.cpuUsage(cpu)
  return { wall: ((performance.now() - start) * 1_000) / calls, cpu: (user + system) / calls }
}

function turnsOf(name: string, work: Work, inFlight: number): Turn[] {
  const key = `${name}, ${work.name}, ${inFlight}`
  const found = turns.get(key) ?? []
  turns.set(key, found)
  return found
}

function walls(name: string, work: Work, inFlight: number): number[] {
  return turnsOf(name, work, inFlight).map(({ wall }) => wall)
}

function report(work: Work, inFlight: number): void {
  const title = `${work.name}, ${inFlight === 1 ? 'one at a time' : `${inFlight} in flight`}`
  printTable([title, 'calls/s', 'µs a call', 'fastest', 'slowest', '× raw', 'CPU µs a call'], [...pools.keys()].map((name) => {
    const own = walls(name, work, inFlight)
    const cpu = median(turnsOf(name, work, inFlight).map((turn) => turn.cpu))
    return [name, ...[1e6 / median(own), median(own), Math.min(...own), Math.max(...own), pairedRatio(own, walls(FLOOR, work, inFlight)), cpu].map(number)]
  }))
}

function printBars(noop: Work): void {
  printBar({ what: 'a no-op call, one at a time, reeve', value: median(walls(REEVE, noop, 1)), limit: { atMost: 25 }, unit: ' µs' })
  const ratio = (name: string): number => pairedRatio(walls(name, noop, IN_FLIGHT), walls(REEVE, noop, IN_FLIGHT))
  printBar({ what: `no-op calls/s, ${IN_FLIGHT} in flight, reeve / piscina`, value: ratio('piscina'), limit: { atLeast: 4 } })
  console.log(`no-op calls/s, ${IN_FLIGHT} in flight, reeve / tinypool: ${number(ratio('tinypool'))}; reeve / workerpool: ${number(ratio('workerpool'))}`)
}
