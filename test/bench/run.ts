/**
 * Runs benchmarks by name: `npm run bench -- start respawn --quick`.
 *
 * Each in a process of its own, one after the other. Flags go to every one of
 * them. The exit code says only whether they ran to their end: a bar that was
 * missed is a line of text, for a shared machine has slow minutes.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { benchEnvironment } from './support/environment.js'

const BENCHMARKS: Readonly<Record<string, string>> = {
  start: 'bar 1: from the spawn of the parent to 8 workers ready',
  respawn: 'bar 3: from kill -9 of a worker to its replacement ready, 2 and 8 workers',
  http: 'bar 4: requests/s through 2 workers, new connections and keep-alive',
  reload: 'bar 5: failed requests over 20 rolling reloads under keep-alive load',
  footprint: 'bar 6: memory and idle CPU of 8 workers and their parent',
  locks: 'bar 7: an uncontended lock against two raw round trips to Redis, alone and 64 at once; memory, requests',
  contention: 'bar 8: 8 and 32 processes on one lock: gap between holders, requests, fairness',
  'lease-loss': 'bar 9: who hears of a lost lease first, its holder or the next one',
  tpool: 'bar 10: calls of no work, 1 KB and 1 MB in threads, one at a time and 200 in flight, beside three pools',
  blocking: 'bar 11: 50 requests that block for 0.6 s, in threads, over HTTP and on the loop; the beat beside them',
  pipes: "bar 12: a child's output collected, passed on and downloaded; its input; every size of a read",
  loop: 'bar 13: the period and the lateness of a fixed interval',
  membership: 'bar 14: heartbeats of a host of 64 workers, and a read of 1,000 members',
  failover: 'bar 15: from kill -9, or the resignation, of a leader to the next one',
  coroutines: 'two tasks of computing: one worker, one that yields, two workers',
  queues: 'starvation, buffering, sharding, connections a target; items beside fastq and p-queue; 10,000 tasks',
  log: 'what a line of log costs, and what a stalled reader does',
  c10k: '100, 1,000 and 10,000 keep-alive connections at 2,000 requests/s',
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

const args = process.argv.slice(2)
const firstFlag = args.findIndex((arg) => arg.startsWith('-'))
const names = firstFlag < 0 ? args : args.slice(0, firstFlag)
const flags = firstFlag < 0 ? [] : args.slice(firstFlag)
let interrupted = false
const unknown = names.filter((name) => !Object.hasOwn(BENCHMARKS, name) && name !== 'all')

if (names.length === 0 || unknown.length > 0) {
  for (const name of unknown) console.error(`Cannot run "${name}" as there is no such benchmark`)
  printUsage()
  process.exitCode = 2
} else {
  for (const name of names.includes('all') ? Object.keys(BENCHMARKS) : names) if (!interrupted) await run(name)
}

async function run(name: string): Promise<void> {
  const file = fileURLToPath(new URL(`${name}.js`, import.meta.url))
  if (!existsSync(file)) {
    console.log(`NOT RUN: ${name}, as there is no ${file}`)
    return
  }
  const child = spawn(process.execPath, [file, ...flags], { env: benchEnvironment(), stdio: 'inherit' })
  const forward = (signal: NodeJS.Signals): void => {
    interrupted = true
    child.kill(signal)
  }
  for (const signal of SIGNALS) process.on(signal, forward)
  const [code] = (await once(child, 'exit')) as [number | null]
  for (const signal of SIGNALS) process.off(signal, forward)
  if (code !== 0) process.exitCode = 1
}

function printUsage(): void {
  console.error('Usage: npm run bench -- NAME… | all [--rounds N] [--quick] [--only CONTENDER,…]\n')
  for (const [name, what] of Object.entries(BENCHMARKS)) console.error(`  ${name.padEnd(10)} ${what}`)
}
