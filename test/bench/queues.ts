/**
 * Queues and threads, as in Ceph's client and its servers: what strict priority, a
 * receiver that works, one queue for all keys, and a connection for each client do,
 * and what Reeve's queues do instead. Then what an item costs beside fastq and
 * p-queue, and what 10,000 cooperative tasks cost beside bare promises.
 */
import { readArguments } from './support/arguments.js'
import { installPeers } from './support/paths.js'
import { receiveInline, receiveIntoQueue, type Reception } from './support/queue-buffer.js'
import { loadQueuePeers } from './support/queue-peers.js'
import { fastqContender, KEYS, runShards, sharded, SHARDS, type ShardContender, type ShardRun } from './support/queue-shards.js'
import { flood, lowShare, strictConsumer, weightedConsumer, type OneConsumer, type Waits } from './support/queue-starvation.js'
import { ownNeeds, sharedNeeds, TARGET_THREADS, TARGETS, TargetServers, type Needs } from './support/queue-targets.js'
import { bareTasks, nsPerItem, pooledTasks, queueRuns, taskCost, type TaskCost, type TaskStarter } from './support/queue-throughput.js'
import { number, printBar, printTable, printTitle } from './support/report.js'
import { median, pairedRatio } from './support/statistics.js'

const { rounds, quick, only } = readArguments({ rounds: 5, quickRounds: 1 })
const ITEM_MS = 1
const MAX_AGE_MS = 500
const FLOOD = { durationMs: quick ? 2_000 : 10_000, maxAgeMs: MAX_AGE_MS }
const SHARDED_ITEMS = quick ? 20_000 : 100_000
const QUEUED_ITEMS = 100_000
const TASKS = 10_000

printTitle(`queues: ${rounds} rounds`)
installPeers()
const peers = await loadQueuePeers()
const parts: Readonly<Record<string, () => Promise<void>>> = { starvation, buffer, sharding, targets, throughput, tasks }
for (const [name, run] of Object.entries(parts)) if (only?.includes(name) ?? true) await run()

/** All contenders in turns; gives what each round found, by name. */
async function inTurns<Found>(contenders: Readonly<Record<string, () => Promise<Found>>>): Promise<Map<string, Found[]>> {
  const found = new Map<string, Found[]>(Object.keys(contenders).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(contenders)) found.get(name)?.push(await run())
  }
  return found
}

/** The median over the rounds. */
function of<Found>(found: ReadonlyMap<string, readonly Found[]>, name: string, fact: keyof Found): number {
  return median(found.get(name)?.map((each) => Number(each[fact])) ?? [])
}

async function starvation(): Promise<void> {
  const consumers: Readonly<Record<string, () => OneConsumer>> = {
    'strict (p-queue)': () => strictConsumer(peers, ITEM_MS),
    'reeve, 9:1': () => weightedConsumer({ classes: { high: 9, low: 1 } }, ITEM_MS),
    [`reeve, 999:1, ${MAX_AGE_MS} ms`]: () => weightedConsumer({ classes: { high: 999, low: 1 }, maxAgeMs: MAX_AGE_MS }, ITEM_MS),
  }
  const found = await inTurns<Waits>(Object.fromEntries(Object.entries(consumers).map(([name, open]) => [name, () => flood(open(), FLOOD)])))
  printTable([`starvation, ${FLOOD.durationMs / 1_000} s`, 'first low ms', 'longest low ms', 'longest high ms', 'low items', 'items past the bound'], [...found.keys()].map((name) =>
    [name, ...(['firstLowMs', 'longestLowMs', 'longestHighMs', 'lowItems', 'overdueItems'] as const).map((fact) => number(of(found, name, fact)))]))
  const [strict = '', , aged = ''] = Object.keys(consumers)
  // The first low item comes 50 ms after the flood has begun.
  printBar({ what: 'the fault, strict: wait of the first low item', value: of(found, strict, 'firstLowMs'), limit: { atLeast: FLOOD.durationMs - 100 }, unit: ' ms' })
  printBar({ what: 'reeve: items begun while a low one was over the age bound', value: of(found, aged, 'overdueItems'), limit: { atMost: 1 } })
  const share = 100 * lowShare({ high: 9, low: 1 }, 1_000)
  printBar({ what: 'share of low with weights of 9:1, off 10 %', value: Math.abs(share - 10), limit: { atMost: 2 }, unit: ' %' })
}

async function buffer(): Promise<void> {
  const found = await inTurns<Reception>({ inline: receiveInline, 'reeve, queue and 4 threads': receiveIntoQueue })
  printTable(['500 messages in 100 ms, 5 ms each', 'last read s', 'done s'], [...found.keys()].map((name) =>
    [name, ...(['lastReadMs', 'doneMs'] as const).map((fact) => (of(found, name, fact) / 1_000).toFixed(3))]))
  const name = 'reeve, queue and 4 threads'
  printBar({ what: 'the fault, inline: last read', value: of(found, 'inline', 'lastReadMs') / 1_000, limit: { atLeast: 2.4 }, unit: ' s' })
  printBar({ what: 'with a queue: last read', value: of(found, name, 'lastReadMs') / 1_000, limit: { atMost: 0.15 }, unit: ' s' })
  printBar({ what: 'with a queue: done', value: of(found, name, 'doneMs') / 1_000, limit: { atMost: 0.66 }, unit: ' s' })
  // The sleep of a thread is longer than it was told by what the machine adds, here as inline.
  console.log(`a quarter of the time of inline: ${number(of(found, 'inline', 'doneMs') / 4_000)} s\n`)
}

async function sharding(): Promise<void> {
  const contenders: Readonly<Record<string, ShardContender>> = {
    'fastq, 1 at a time': fastqContender(peers, 1), [`fastq, ${SHARDS} at once`]: fastqContender(peers, SHARDS), [`reeve, ${SHARDS} shards`]: sharded,
  }
  const found = await inTurns<ShardRun>(Object.fromEntries(Object.entries(contenders).map(([name, contender]) => [name, () => runShards(contender, SHARDED_ITEMS)])))
  printTable(
    [`${SHARDED_ITEMS} items, ${KEYS} keys, one slow`, 'other shards s', 'all s', 'out of order', 'two at once', 'CPU µs an item'],
    [...found.keys()].map((name) => [
      name, (of(found, name, 'othersMs') / 1_000).toFixed(3), (of(found, name, 'allMs') / 1_000).toFixed(3),
      number(of(found, name, 'outOfOrder')), number(of(found, name, 'atOnce')), number((of(found, name, 'cpuMs') * 1_000) / SHARDED_ITEMS),
    ]),
  )
  const [serial = '', concurrent = '', reeve = ''] = Object.keys(contenders)
  printBar({ what: 'the fault, one at a time: the slow key delays others, their time / all', value: of(found, serial, 'othersMs') / of(found, serial, 'allMs'), limit: { atLeast: 0.9 } })
  printBar({ what: `the fault, ${SHARDS} at once: items out of order or two of a key at once`, value: of(found, concurrent, 'outOfOrder') + of(found, concurrent, 'atOnce'), limit: { atLeast: 1 } })
  printBar({ what: 'reeve: items out of order or two of a key at once', value: of(found, reeve, 'outOfOrder') + of(found, reeve, 'atOnce'), limit: { atMost: 0 } })
  printBar({ what: 'reeve: the slow key delays others, their time / all', value: of(found, reeve, 'othersMs') / of(found, reeve, 'allMs'), limit: { atMost: 0.5 } })
}

async function targets(): Promise<void> {
  const rows: (readonly [string, number, Needs])[] = []
  for (const clients of quick ? [1] : [1, 3]) {
    await using servers = await TargetServers.start()
    rows.push(['a connection and 2 threads each', clients, await ownNeeds(servers, clients)])
  }
  const shared: Needs[] = []
  for (const clients of [1, 10, 100, 1_000, 10_000]) {
    await using servers = await TargetServers.start()
    const needs = await sharedNeeds(servers, clients)
    shared.push(needs)
    rows.push(['reeve', clients, needs])
  }
  printTable([`a request to each of ${TARGETS} targets`, 'clients', 'threads', 'connections a target', 'ms'],
    rows.map(([name, clients, { threads, connections, ms }]) => [name, String(clients), String(threads), number(connections / TARGETS), number(ms)]))
  printBar({ what: 'connections a target, 10,000 clients', value: (shared.at(-1)?.connections ?? NaN) / TARGETS, limit: { atMost: 1 } })
  printBar({ what: 'threads, 10,000 clients', value: shared.at(-1)?.threads ?? NaN, limit: { atMost: TARGET_THREADS } })
}

async function throughput(): Promise<void> {
  const runs = queueRuns(peers)
  for (const run of Object.values(runs)) await nsPerItem(run, QUEUED_ITEMS)
  const found = await inTurns<number>(Object.fromEntries(Object.entries(runs).map(([name, run]) => [name, () => nsPerItem(run, QUEUED_ITEMS)])))
  const all = (name: string): number[] => found.get(name) ?? []
  printTable([`${QUEUED_ITEMS} items, 8 at once`, 'ns an item', 'fastest', 'slowest', 'M items/s', '× fastq, async'], [...found].map(([name, ns]) =>
    [name, ...[median(ns), Math.min(...ns), Math.max(...ns), 1_000 / median(ns), pairedRatio(ns, all('fastq, async worker'))].map(number)]))
}

async function tasks(): Promise<void> {
  const starters: Readonly<Record<string, TaskStarter>> = { 'bare promises': bareTasks, 'reeve TaskPool': pooledTasks }
  for (const start of Object.values(starters)) await taskCost(start, TASKS)
  const found = await inTurns<TaskCost>(Object.fromEntries(Object.entries(starters).map(([name, start]) => [name, () => taskCost(start, TASKS)])))
  printTable([`${TASKS} tasks at once`, 'start ns', 'bytes each', 'switch ns', 'turn of the loop ns'], [...found.keys()].map((name) =>
    [name, ...(['startNs', 'bytes', 'switchNs', 'turnNs'] as const).map((fact) => number(of(found, name, fact)))]))
  const ratio = (fact: keyof TaskCost): number => of(found, 'reeve TaskPool', fact) / of(found, 'bare promises', fact)
  for (const [what, fact] of [['memory', 'bytes'], ['switch', 'switchNs'], ['turn of the loop', 'turnNs']] as const) {
    console.log(`${what} of a task, reeve / bare: ${number(ratio(fact))}`)
  }
}
