/**
 * Bar 12, and the slow download that began it: what a child writes, read through its pipe.
 *
 * 200 MiB of a warm file through a shell's `cat`, collected whole, with every size of
 * a read; 1 GiB to nowhere, against a pipe between two `cat`s; 200 MiB the other way;
 * and 1 GiB downloaded over loopback out of a child's stdout, by 1 and 4 clients.
 * In turns of two runs, of which the second counts: the first pays, by page faults,
 * for memory that its predecessor did not need, and is printed apart (`first`). A
 * ratio is of two turns of one round. Reads of 1 KiB are the fault.
 *
 * CPU is that of this process and of the children together.
 */
import { readFileSync } from 'node:fs'
import { readArguments } from './support/arguments.js'
import { installPeers } from './support/paths.js'
import { collectors, discarders, feeders, FLOOR } from './support/pipes-contenders.js'
import { costOf, type Cost } from './support/pipes-cost.js'
import { download, type Download } from './support/pipes-download.js'
import { BenchFiles } from './support/pipes-files.js'
import { number, printBar, printTable, printTitle } from './support/report.js'
import { median, pairedRatio } from './support/statistics.js'

/** Of one turn. */
interface Turn extends Cost {
  /** Of its first run. */
  readonly firstMs: number
}

type Costs = ReadonlyMap<string, Turn[]>

const MIB = 2 ** 20
const COLLECTED_MIB = 200
const BLOCKING = 'blocking: execFileSync'

const { rounds, quick, only } = readArguments({ rounds: 5, quickRounds: 1 })
const streamedMib = quick ? 256 : 1_024
const clientCounts = [1, 4]

printTitle(`pipes: ${COLLECTED_MIB} MiB collected, ${streamedMib} MiB passed on, ${rounds} rounds`)
installPeers()
{
  using files = new BenchFiles()
  const small = files.make('small', COLLECTED_MIB)
  const large = files.make('large', streamedMib)
  await reportCollected(small)
  await reportDiscarded(large)
  await reportFed(readFileSync(small))
  await reportDownloads(large, files.make('warm-up', 1), files.make('short', 64))
}

async function reportCollected(file: string): Promise<void> {
  const costs = await inTurns(await collectors(), file)
  printCosts({ title: `${COLLECTED_MIB} MiB through a shell, collected`, mebibytes: COLLECTED_MIB, floor: BLOCKING, costs })
  printBar({ what: 'collected, reeve / execFile', value: speedRatio(costs, 'reeve', 'execFile'), limit: { atLeast: 1.3 } })
  printBar({ what: 'collected, reeve / blocking', value: speedRatio(costs, 'reeve', BLOCKING), limit: { atLeast: 0.95 } })
  printBar({ what: 'the fault, reads of 1 KiB: times slower', value: speedRatio(costs, 'reeve', 'reeve 1 KiB'), limit: { atLeast: 2 } })
  console.log(`of the first runs: reeve / execFile ${number(speedRatio(costs, 'reeve', 'execFile', 'firstMs'))}, reeve / blocking ${number(speedRatio(costs, 'reeve', BLOCKING, 'firstMs'))}`)
}

async function reportDiscarded(file: string): Promise<void> {
  const costs = await inTurns(await discarders(), file)
  printCosts({ title: `${streamedMib} MiB to nowhere`, mebibytes: streamedMib, floor: FLOOR, costs })
  printBar({ what: `to nowhere, reeve / ${FLOOR}`, value: speedRatio(costs, 'reeve', FLOOR), limit: { atLeast: 1 } })
}

async function reportFed(input: Buffer): Promise<void> {
  const costs = await inTurns(await feeders(), input)
  printCosts({ title: `${COLLECTED_MIB} MiB into cat > /dev/null`, mebibytes: COLLECTED_MIB, floor: BLOCKING, costs })
  printBar({ what: 'the other way, reeve / blocking', value: speedRatio(costs, 'reeve', BLOCKING), limit: { atLeast: 0.95 } })
}

async function inTurns<Given>(contenders: Readonly<Record<string, (given: Given) => Promise<number>>>, given: Given): Promise<Costs> {
  const chosen = Object.entries(contenders).filter(([name]) => only?.includes(name) ?? true)
  const costs = new Map<string, Turn[]>(chosen.map(([name]) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of chosen) {
      const { ms: firstMs } = await costOf(() => run(given))
      costs.get(name)?.push({ ...await costOf(() => run(given)), firstMs })
    }
  }
  return costs
}

interface CostTable {
  readonly title: string
  readonly mebibytes: number
  readonly floor: string
  readonly costs: Costs
}

function printCosts({ title, mebibytes, floor, costs }: CostTable): void {
  const perGib = 1_024 / mebibytes
  printTable(
    [title, 'MiB/s', 'slowest', 'fastest', `× ${floor.split(':')[0]}`, 'CPU s a GiB', 'reads a GiB', 'first MiB/s'],
    [...costs].map(([name, all]) => {
      const rates = all.map(({ ms }) => (mebibytes * 1_000) / ms)
      const firstRate = median(all.map(({ firstMs }) => (mebibytes * 1_000) / firstMs))
      return [
        name, ...[median(rates), Math.min(...rates), Math.max(...rates), speedRatio(costs, name, floor)].map(number),
        number((median(all.map(({ cpuMs }) => cpuMs)) * perGib) / 1_000), number(median(all.map(({ reads }) => reads)) * perGib), number(firstRate),
      ]
    }),
  )
}

/** How many times faster `name` is. */
function speedRatio(costs: Costs, name: string, floor: string, fact: 'ms' | 'firstMs' = 'ms'): number {
  const msOf = (each: string): number[] => costs.get(each)?.map((turn) => turn[fact]) ?? []
  return pairedRatio(msOf(floor), msOf(name))
}

async function reportDownloads(file: string, warmUpFile: string, shortFile: string): Promise<void> {
  const plans = [
    ...clientCounts.flatMap((clients) => ['spawn', 'reeve', 'reeve 64 KiB'].map((sender) => ({ sender, clients, file, warmUpFile }))),
    { sender: 'reeve 1 KiB', clients: 1, file: shortFile, warmUpFile },
  ]
  const results = plans.map((plan) => ({ ...plan, runs: [] as Download[] }))
  for (let round = 0; round < rounds; round++) {
    for (const result of results) result.runs.push(await download(result))
  }
  const of = (sender: string, clients: number, fact: keyof Download): number[] =>
    results.find((each) => each.sender === sender && each.clients === clients)?.runs.map((run) => run[fact]) ?? []
  printTable(['downloaded out of a child', 'clients', 'MB/s', 'RSS + MiB', 'latest beat ms', 'CPU ms'], results.map(({ sender, clients }) => [
    sender, String(clients), number(median(of(sender, clients, 'bytesPerSecond')) / 1e6), number(median(of(sender, clients, 'grownBytes')) / MIB),
    number(median(of(sender, clients, 'latestBeatMs'))), number(median(of(sender, clients, 'cpuMs'))),
  ]))
  for (const clients of clientCounts) {
    const what = `${clients} ${clients === 1 ? 'client' : 'clients'}`
    printBar({ what: `download, ${what}, reeve / spawn`, value: pairedRatio(of('reeve', clients, 'bytesPerSecond'), of('spawn', clients, 'bytesPerSecond')), limit: { atLeast: 0.9 } })
    printBar({ what: `download, ${what}, memory`, value: median(of('reeve', clients, 'grownBytes')) / MIB, limit: { atMost: 64 }, unit: ' MiB' })
    printBar({ what: `download, ${what}, latest beat`, value: median(of('reeve', clients, 'latestBeatMs')), limit: { atMost: 5 }, unit: ' ms' })
  }
}
