/**
 * What a log record costs: at a level that is not enabled, and written as a line
 * of JSON to /dev/null, beside winston alone with its Console transport.
 *
 * Both run in one child whose stdout and stderr are /dev/null, in turns, so that
 * they share the machine's moments; the median counts.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import winston from 'winston'
import { createLogger } from '#src/log/create-logger.js'
import { readArguments } from './support/arguments.js'
import { number, printBar, printTable, printTitle } from './support/report.js'
import { median, pairedRatio } from './support/statistics.js'

interface Contender {
  readonly name: string
  readonly calls: number
  readonly call: (n: number) => void
}

/** ns per call, a number for each round, by the contender's name. */
type Measured = Record<string, number[]>

const CHILD = 'measure'

if (process.argv[2] === CHILD) process.send?.(measure(Number(process.argv[3])))
else await report()

async function report(): Promise<void> {
  const { rounds } = readArguments({ rounds: 21, quickRounds: 5 })
  printTitle(`log: a record, ${rounds} rounds`)
  const child = fork(fileURLToPath(import.meta.url), [CHILD, String(rounds)], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  const [measured] = (await once(child, 'message')) as [Measured]
  const of = (name: string): number[] => measured[name] ?? []
  const row = (name: string, floor: string): string[] =>
    [name, ...[median(of(name)), Math.min(...of(name)), Math.max(...of(name)), pairedRatio(of(name), of(floor))].map(number)]
  printTable(['record', 'ns', 'fastest', 'slowest', '× winston'], [
    row('disabled, reeve', 'disabled, winston'), row('disabled, winston', 'disabled, winston'),
    row('line, reeve', 'line, winston'), row('line, winston', 'line, winston'),
  ])
  printBar({ what: 'disabled level, reeve', value: median(of('disabled, reeve')), limit: { atMost: 50 }, unit: ' ns' })
  printBar({ what: 'line, reeve / winston', value: pairedRatio(of('line, reeve'), of('line, winston')), limit: { atMost: 1 } })
}

function measure(rounds: number): Measured {
  const contenders = makeContenders()
  const measured: Measured = Object.fromEntries(contenders.map(({ name }) => [name, []]))
  for (const contender of contenders) nsPerCall(contender)
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) measured[contender.name]?.push(nsPerCall(contender))
  }
  return measured
}

function nsPerCall({ calls, call }: Contender): number {
  const start = process.hrtime.bigint()
  for (let n = 0; n < calls; n++) call(n)
  return Number(process.hrtime.bigint() - start) / calls
}

function makeContenders(): readonly Contender[] {
  const fields = { service: 'bench', workerId: 0, pid: process.pid }
  const reeve = createLogger({ format: 'json', fields })
  const bare = winston.createLogger({
    defaultMeta: fields,
    format: winston.format.combine(winston.format.timestamp(), winston.format.json()),
    transports: new winston.transports.Console(),
  })
  return [
    { name: 'disabled, reeve', calls: 1_000_000, call: (n) => { reeve.debug('cloned', { volume: 'v-1', n }) } },
    { name: 'disabled, winston', calls: 50_000, call: (n) => { bare.debug('cloned', { volume: 'v-1', n }) } },
    { name: 'line, reeve', calls: 10_000, call: (n) => { reeve.info('cloned', { volume: 'v-1', n }) } },
    { name: 'line, winston', calls: 10_000, call: (n) => { bare.info('cloned', { volume: 'v-1', n }) } },
  ]
}
