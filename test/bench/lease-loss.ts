/**
 * Bar 9: who hears of a lost lease first, its holder or the one who gets in?
 *
 * A holder, in a process of its own, takes a lock of 2,000 ms through a proxy. 300 ms
 * later its packets vanish, or its server refuses it, or it is stopped (SIGSTOP) for
 * two TTLs, or the server is killed and comes back empty after 0.5 s. A rival with a
 * direct connection of its own gets in as soon as the server lets it. "told" is when
 * the library first says so to the program: by an abort, a callback, an event. Of a
 * holder that stood still its very next statement is asked.
 *
 * All contenders run side by side, for they do nothing but wait.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { RedisServer } from '../support/redis.js'
import { readArguments } from './support/arguments.js'
import { REEVE_HOLDER } from './support/lock-holder.js'
import { LossExperiment, type Fault, type Loss } from './support/lock-loss.js'
import { installPeers } from './support/paths.js'
import { number, printBar, printTable, printTitle } from './support/report.js'
import { median } from './support/statistics.js'

interface Contender {
  readonly name: string
  readonly library: string
  readonly redisOptions: object
}

const TTL_MS = 2_000
const FAULTS: readonly Fault[] = ['blackhole', 'refuse', 'stop', 'restart empty']
/** When the holders have their locks for certain. */
const RESTART_AT_MS = 600
const DOWN_MS = 500
/** How long is looked on after the fault: to see who is never told, or no longer than it takes. */
const WATCH_MS = 9_000
const QUICK_WATCH_MS: Readonly<Record<Fault, number>> = { blackhole: 2_500, refuse: 2_500, stop: 500, 'restart empty': 3_300 }
/** The second form of each peer: a command may take half a second, which is more careful than its readme. */
const IMPATIENT = { commandTimeout: 500 }
const PEERS = ['redlock5', 'redis-semaphore', 'redlock-universal', 'safe-redis-leader']
const LOSS_HEADER = ['other got in, ms', 'holder told, ms', 'told before (+) or after (−)', 'unhandled rejections']
const STOP_HEADER = ['other got in, ms', 'it went on, ms', 'its first statement says', 'told after that, ms']

const { rounds, quick, only } = readArguments({ rounds: 3, quickRounds: 1 })
const contenders: readonly Contender[] = [
  { name: REEVE_HOLDER, library: REEVE_HOLDER, redisOptions: {} },
  ...PEERS.flatMap((library) => [
    { name: library, library, redisOptions: {} },
    ...quick ? [] : [{ name: `${library}, commandTimeout`, library, redisOptions: IMPATIENT }],
  ]),
].filter(({ library }) => only?.includes(library) ?? true)
installPeers()
await run()

async function run(): Promise<void> {
  const missing = await RedisServer.available()
  if (missing !== undefined) return console.log(`NOT RUN: lease-loss, as ${missing}`)
  printTitle(`lease-loss: a lock of ${TTL_MS} ms, ${rounds} rounds`)
  for (const fault of FAULTS) await compare(fault)
}

async function compare(fault: Fault): Promise<void> {
  const losses = new Map<string, Loss[]>(contenders.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, loss] of await observeAll(fault, round)) {
      if (loss.failure === undefined) losses.get(name)?.push(loss)
      else console.log(`NOT RUN: ${name}, as ${loss.failure}`)
    }
  }
  const [header, cells] = fault === 'stop' ? [STOP_HEADER, stopCells] as const : [LOSS_HEADER, lossCells] as const
  printTable([fault, ...header], [...losses].map(([name, seen]) => [name, ...(seen.length === 0 ? header.map(() => '–') : cells(seen))]))
  const ours = losses.get(REEVE_HOLDER) ?? []
  const share = (fact: (loss: Loss) => boolean): number => ours.length === 0 ? Number.NaN : ours.filter(fact).length / ours.length
  if (fault === 'stop') printBar({ what: 'stopped past its TTL, reeve, `held` is false in the first statement', value: share(({ firstSays }) => firstSays === false), limit: { atLeast: 1 } })
  else printBar({ what: `${fault}, reeve, told before the other got in`, value: share((loss) => leadMs(loss) > 0), limit: { atLeast: 1 } })
}

async function observeAll(fault: Fault, round: number): Promise<readonly (readonly [name: string, loss: Loss])[]> {
  await using server = await RedisServer.start()
  // Reeve grants nothing before a lease that this server may have forgotten is over.
  const grants = delay(TTL_MS)
  const experiments = await Promise.all(contenders.map(({ library, redisOptions }, n) =>
    LossExperiment.prepare({ library, redisOptions, fault, server, lock: `bench-${round}-${n}`, ttlMs: TTL_MS, watchMs: quick ? QUICK_WATCH_MS[fault] : WATCH_MS })))
  try {
    await grants
    const restarted = fault === 'restart empty' ? restart(server) : undefined
    const losses = await Promise.all(experiments.map((experiment) => experiment.run()))
    await restarted
    return losses.map((loss, n) => [contenders[n]?.name ?? '', loss] as const)
  } finally {
    await Promise.all(experiments.map((experiment) => experiment[Symbol.asyncDispose]()))
  }
}

async function restart(server: RedisServer): Promise<void> {
  await delay(RESTART_AT_MS)
  await server.kill()
  await delay(DOWN_MS)
  await server.restart()
}

/** By how much the holder was told before the other got in; negative: after. One who never got in is later than the end. */
function leadMs({ othersInAt, toldAt, endedAt }: Loss): number {
  if (toldAt === undefined) return othersInAt === undefined ? Number.NaN : -Infinity
  return (othersInAt ?? endedAt) - toldAt
}

function lossCells(losses: readonly Loss[]): string[] {
  const leads = losses.map(leadMs)
  const worst = Math.min(...leads)
  const both = median(losses.map(({ endedAt, othersInAt = endedAt }) => endedAt - othersInAt))
  const alone = losses.every(({ othersInAt }) => othersInAt === undefined)
  const lead = alone ? 'nobody else got in' : worst === -Infinity ? `two at once for > ${number(both)}` : `${number(median(leads))} (worst ${number(worst)})`
  return [time(losses, ({ othersInAt }) => othersInAt), time(losses, ({ toldAt }) => toldAt), lead, number(median(losses.map(({ rejections }) => rejections)))]
}

function stopCells(losses: readonly Loss[]): string[] {
  const wrong = losses.filter(({ firstSays }) => firstSays !== false).length
  const says = wrong === 0 ? 'lost' : wrong === losses.length ? 'HELD' : `HELD in ${wrong} of ${losses.length}`
  const told = time(losses, ({ toldAt, wokeAt }) => toldAt === undefined || wokeAt === undefined ? undefined : Math.max(0, toldAt - wokeAt))
  return [time(losses, ({ othersInAt }) => othersInAt), time(losses, ({ wokeAt }) => wokeAt), says, told]
}

/** The median, and how many there were when not all had it. */
function time(losses: readonly Loss[], fact: (loss: Loss) => number | undefined): string {
  const known = losses.map(fact).filter((value) => value !== undefined)
  if (known.length === 0) return 'never'
  return known.length === losses.length ? number(median(known)) : `${number(median(known))} (${known.length} of ${losses.length})`
}
