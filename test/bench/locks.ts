/**
 * Bar 7: acquire and release of a lock that nobody else wants, alone and 64 at once,
 * against two raw round trips of ioredis; what a lock and a waiting request cost the
 * server in memory, and a pair in requests and in JavaScript.
 *
 * All contenders run in this process, each over a connection of its own, in turns of
 * `TURN_MS`; a ratio is of two turns of one round. Reeve notes each request in the
 * register by which a launcher gives back what a dead worker held, as in a worker.
 * The floor keeps no fence, has no queue, does not know its owner and tells nobody of a loss.
 */
import { readArguments } from './support/arguments.js'
import { openLockClient, REEVE, REEVE_ALONE, type LockClient } from './support/lock-client.js'
import { measureLockMemory } from './support/lock-memory.js'
import { installPeers } from './support/paths.js'
import { BenchRedis } from './support/redis-bench.js'
import { number, printBar, printTable, printTitle } from './support/report.js'
import { median, pairedRatio } from './support/statistics.js'

const TURN_MS = 300
const CONCURRENCY = 64
const FLOOR = 'raw SET + DEL'
const COUNTED_PAIRS = 100

/** Of one turn, per pair, in µs. */
interface Turn {
  readonly wall: number
  readonly cpu: number
}

interface Contender {
  readonly name: string
  readonly client: LockClient
  readonly alone: Turn[]
  readonly together: Turn[]
}

const { rounds, quick, only } = readArguments({ rounds: 31, quickRounds: 3 })
installPeers()
await run()

async function run(): Promise<void> {
  printTitle(`locks: an uncontended pair, ${rounds} rounds of turns of ${TURN_MS} ms`)
  await using redis = await BenchRedis.start('locks', quick)
  if (!redis) return
  const contenders: Contender[] = []
  const names = [FLOOR, 'raw GET + GET', 'SET NX, 10 ms', 'redis-semaphore', 'redlock5', REEVE_ALONE, REEVE]
  for (const name of names.filter((each) => each === FLOOR || (only?.includes(each) ?? true))) {
    contenders.push({ name, client: await openLockClient(name, redis.urlFor(name)), alone: [], together: [] })
  }
  for (const { client, name } of contenders) await takeTurn(client, name, CONCURRENCY)
  for (let round = 0; round < rounds; round++) {
    for (const { name, client, alone } of contenders) alone.push(await takeTurn(client, name, 1))
    for (const { name, client, together } of contenders) together.push(await takeTurn(client, name, CONCURRENCY))
  }
  report('alone', contenders, 1.3)
  report('together', contenders, 1.6)
  await printRequests(redis, contenders)
  for (const { client } of contenders) await client.close()
  await printMemory(redis)
}

/** `concurrency` loops, each over a name of its own. */
async function takeTurn(client: LockClient, contender: string, concurrency: number): Promise<Turn> {
  let pairs = 0
  const cpu = process.cpuUsage()
  const start = performance.now()
  await Promise.all(Array.from({ length: concurrency }, async (_, n) => {
    const name = `${contender}-${n}`
    while (performance.now() < start + TURN_MS) {
      const release = await client.acquire(name)
      await release()
      pairs++
    }
  }))
  const { user, system } = process.cpuUsage(cpu)
  return { wall: ((performance.now() - start) * 1_000) / pairs, cpu: (user + system) / pairs }
}

function report(what: 'alone' | 'together', contenders: readonly Contender[], atMost: number): void {
  const title = what === 'alone' ? 'alone' : `${CONCURRENCY} at once`
  const walls = (name: string): number[] => contenders.find((each) => each.name === name)?.[what].map(({ wall }) => wall) ?? []
  printTable(
    [title, 'pairs/s', 'µs a pair', 'fastest', 'slowest', '× raw', 'CPU µs a pair'],
    contenders.map(({ name, [what]: turns }) => [
      name, number(1e6 / median(walls(name))),
      ...[median(walls(name)), Math.min(...walls(name)), Math.max(...walls(name)), pairedRatio(walls(name), walls(FLOOR)), median(turns.map(({ cpu }) => cpu))].map(number),
    ]),
  )
  printBar({ what: `a pair, ${title}, reeve / raw`, value: pairedRatio(walls(REEVE), walls(FLOOR)), limit: { atMost } })
}

async function printRequests(redis: BenchRedis, contenders: readonly Contender[]): Promise<void> {
  const rows: string[][] = []
  for (const { name, client } of contenders) {
    const seen = await redis.stats.requestsDuring(async () => {
      for (let n = 0; n < COUNTED_PAIRS; n++) await (await client.acquire(name))()
    })
    const kinds = [...new Set(seen.map(([command = '']) => command.toLowerCase()))].sort()
    rows.push([name, number(seen.length / COUNTED_PAIRS), kinds.join(' ')])
  }
  printTable(['requests', 'a pair', 'which'], rows)
}

async function printMemory(redis: BenchRedis): Promise<void> {
  const rows: string[][] = []
  for (const name of [FLOOR, 'redis-semaphore', 'redlock5', REEVE]) {
    const { heldBytes, keyBytes, releasedBytes, waitingBytes } = await measureLockMemory(redis, name)
    rows.push([name, ...[heldBytes, keyBytes, releasedBytes, waitingBytes].map(number)])
  }
  printTable(['bytes in Redis', 'a held lock', 'its keys alone', 'after release', 'a waiting request'], rows)
}
