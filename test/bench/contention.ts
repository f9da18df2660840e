/**
 * Bar 8: 8 and 32 processes that want one lock, hold it for 5 ms, and want it again
 * 5 ms after that. How long it is nobody's between two holders, what an acquisition
 * costs the server in requests, and whether all get their turn.
 *
 * Hold and pause are timers, so that 32 processes share 2 CPUs as they would with
 * work that waits for something. All times are of CLOCK_MONOTONIC, which the
 * processes of a machine share: a gap is from just before a holder asks to release
 * until another one's `acquire` has returned; where the same process got it again, which
 * is no hand-over, that is counted apart. "BLPOP token" is the floor: a token in
 * a list, without lease, fence or owner.
 */
import { readArguments } from './support/arguments.js'
import { REEVE } from './support/lock-client.js'
import { contend, type Contention } from './support/lock-contention.js'
import { installPeers } from './support/paths.js'
import { BenchRedis } from './support/redis-bench.js'
import { number, printBar, printTable, printTitle } from './support/report.js'
import { median } from './support/statistics.js'

const CONTENDERS = ['BLPOP token', 'SET NX, 10 ms', 'redis-semaphore', 'redlock5', REEVE]
const HOLD_MS = 5
/** Without it, locks that are not fair go to the process that has just had them, for it asks first. */
const PAUSE_MS = 5

const { rounds, quick, only } = readArguments({ rounds: 1, quickRounds: 1 })
const windowMs = quick ? 4_000 : 20_000
installPeers()
await run()

async function run(): Promise<void> {
  printTitle(`contention: one lock, held for ${HOLD_MS} ms and wanted again after ${PAUSE_MS} (timers), ${rounds} rounds of ${windowMs / 1_000} s`)
  await using redis = await BenchRedis.start('contention', quick)
  if (!redis) return
  await compare(redis, 8)
  if (quick) console.log('NOT RUN: contention of 32 processes, as this is the quick form')
  else await compare(redis, 32)
}

async function compare(redis: BenchRedis, processes: number): Promise<void> {
  const names = CONTENDERS.filter((name) => only?.includes(name) ?? true)
  const results = new Map<string, Contention[]>(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const name of names) results.get(name)?.push(await contend(redis, { contender: name, processes, windowMs, holdMs: HOLD_MS, pauseMs: PAUSE_MS, lock: `${name}-${processes}-${round}` }))
  }
  const of = (name: string, fact: (result: Contention) => number): number => median((results.get(name) ?? []).map(fact))
  printTable(
    [`${processes} processes`, 'turns/s', 'own again %', 'gap ms p50', 'p99', 'most', 'fewest / most turns', 'ratio', 'longest wait ms', 'requests a turn', 'overlaps'],
    names.map((name) => [
      name,
      ...[(result: Contention) => result.turnsPerSecond, (result: Contention) => result.againPercent, (result: Contention) => result.gapMs.p50, (result: Contention) => result.gapMs.p99, (result: Contention) => result.gapMs.most].map((fact) => number(of(name, fact))),
      `${of(name, ({ turns }) => turns.fewest)} / ${of(name, ({ turns }) => turns.most)}`,
      ...[fairness, (result: Contention) => result.longestWaitMs, (result: Contention) => result.requestsPerTurn].map((fact) => number(of(name, fact))),
      String(of(name, ({ overlaps }) => overlaps)),
    ]),
  )
  const label = `${processes} processes, reeve`
  printBar({ what: `${label}, gap p50`, value: of(REEVE, ({ gapMs }) => gapMs.p50), limit: { atMost: 1 }, unit: ' ms' })
  printBar({ what: `${label}, requests an acquisition`, value: of(REEVE, ({ requestsPerTurn }) => requestsPerTurn), limit: { atMost: 4 } })
  printBar({ what: `${label}, fewest / most turns`, value: of(REEVE, fairness), limit: { atLeast: 0.9 } })
  console.log(`gap p50, reeve / BLPOP token: ${number(of(REEVE, ({ gapMs }) => gapMs.p50) / of('BLPOP token', ({ gapMs }) => gapMs.p50))}`)
}

function fairness({ turns }: Contention): number {
  return turns.fewest / turns.most
}
