/**
 * Bar 1: from the spawn of the parent to 8 workers ready.
 *
 * All contenders run the same tiny server, which itself says that it is ready.
 * pm2's clock starts with `pm2 start`, its daemon warm.
 */
import { readArguments } from './support/arguments.js'
import { bare, chooseContenders, pm2, reeve, reeveScript, throng } from './support/contenders.js'
import type { Contender } from './support/contender.js'
import { Fleet } from './support/fleet.js'
import { number, printBar, printTable, printTitle } from './support/report.js'
import { median, pairedRatio } from './support/statistics.js'

const WORKERS = 8
const { rounds, only } = readArguments({ rounds: 11, quickRounds: 3 })

printTitle(`start: ${WORKERS} workers ready, ${rounds} rounds`)
const contenders = chooseContenders([bare, throng, pm2, reeve, reeveScript], only)
const times = new Map(contenders.map(({ name }) => [name, [] as number[]]))
for (let round = 0; round < rounds; round++) {
  for (const contender of contenders) times.get(contender.name)?.push(await timeToReady(contender))
}

const of = (name: string): number[] => times.get(name) ?? []
printTable(
  ['contender', 'ms', 'fastest', 'slowest', '× bare'],
  [...times].map(([name, ms]) => [name, median(ms), Math.min(...ms), Math.max(...ms), pairedRatio(ms, of('bare'))].map(cell)),
)
printBar({ what: 'start, reeve / bare', value: pairedRatio(of('reeve'), of('bare')), limit: { atMost: 1.25 } })

async function timeToReady(contender: Contender): Promise<number> {
  await using fleet = await Fleet.prepare(contender, { workers: WORKERS })
  return await fleet.boot()
}

function cell(value: string | number): string {
  return typeof value === 'string' ? value : number(value)
}
