/**
 * Bar 3: from kill -9 of a worker to its replacement ready, in fleets of 2 and of 8.
 *
 * What is killed has been healthy for longer than any contender asks before it
 * replaces a worker without delay (Reeve 10 s, pm2 1 s): the longest-ready
 * worker of each fleet in turn, one kill at a time on the whole machine.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { readArguments } from './support/arguments.js'
import { bare, chooseContenders, pm2, reeve, throng } from './support/contenders.js'
import type { Fleet } from './support/fleet.js'
import { Fleets } from './support/fleets.js'
import { number, printBar, printTable, printTitle } from './support/report.js'
import { median, pairedRatio } from './support/statistics.js'

const HEALTHY_MS = 11_000
/** From one replacement to the next kill: time for the fleet to settle. */
const PAUSE_MS = 300

const { rounds, only } = readArguments({ rounds: 16, quickRounds: 3 })
const contenders = chooseContenders([bare, throng, pm2, reeve], only)

for (const workers of [2, 8]) await compare(workers)

async function compare(workers: number): Promise<void> {
  printTitle(`respawn: kill -9 of one of ${workers} workers to its replacement ready, ${rounds} rounds`)
  const times = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
  {
    await using fleets = await Fleets.start(contenders, { workers })
    for (let round = 0; round < rounds; round++) {
      for (const fleet of fleets.all) times.get(fleet.name)?.push(await killAndWait(fleet))
    }
  }
  const of = (name: string): number[] => times.get(name) ?? []
  printTable(
    ['contender', 'ms', 'fastest', 'slowest', '× bare'],
    [...times].map(([name, ms]) => [
      name, number(median(ms)), number(Math.min(...ms)), number(Math.max(...ms)), number(pairedRatio(ms, of('bare'))),
    ]),
  )
  printBar({ what: `respawn of one in ${workers}, reeve / bare`, value: pairedRatio(of('reeve'), of('bare')), limit: { atMost: 1.25 } })
}

async function killAndWait(fleet: Fleet): Promise<number> {
  const victim = fleet.oldestWorker
  await delay(Math.max(PAUSE_MS, victim.at + HEALTHY_MS - performance.now()))
  const killedAt = performance.now()
  process.kill(victim.pid, 'SIGKILL')
  return (await fleet.nextReady()).at - killedAt
}
