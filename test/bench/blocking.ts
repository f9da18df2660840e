/**
 * Calls that block, in a cooperative process: a driver of block storage.
 *
 * 50 requests by a fixed draw of arrivals, each a task; each connects (0.1 s) and
 * clones (0.5 s). Bar 11 holds the makespan on 20, 10, 5 and 4 threads against the
 * ideal schedule, and the lateness of a 50 ms beat against a control run of the same
 * requests as timers. Beside it the faults: connecting on the loop, and everything on
 * the loop; and a back end over HTTP that needs no threads. Then 21 requests; one
 * request with each step in a thread; and what a slow call does to a batch.
 *
 * --quick: everything five times as fast, once.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { TaskPool } from '#src/queue/index.js'
import { ThreadPool } from '#src/tpool/index.js'
import { readArguments } from './support/arguments.js'
import { connectOnLoop, importBackend, inThreads, objectsInThreads, onLoop, overRest, proxyBackend, startedBefore, timersOnly } from './support/blocking-backends.js'
import { Beat } from './support/blocking-beat.js'
import { serveArrivals, type BlockingBackend, type BlockingRun } from './support/blocking-run.js'
import { arrivalsOf, idealConnectingAlone, idealMakespan, type RequestTimes } from './support/blocking-schedule.js'
import { number, printBar, printTable, printTitle } from './support/report.js'
import { median, pairedRatio, percentile } from './support/statistics.js'

interface Variant {
  readonly name: string
  readonly open: (times: RequestTimes) => Promise<BlockingBackend>
  readonly arrivals: readonly number[]
  readonly idealMs: number
  readonly runs: BlockingRun[]
}

const { rounds, quick, only } = readArguments({ rounds: 5, quickRounds: 1 })
const scale = quick ? 0.2 : 1
const times: RequestTimes = { connectMs: 100 * scale, cloneMs: 500 * scale }
const beatMs = 50 * scale
const BATCH = 50
const batchMs = { short: 100 * scale, long: 3_000 * scale }

const [fifty, twentyOne] = [arrivalsOf(50, scale), arrivalsOf(21, scale)]
const CONTROL = 'control: timers'
const REST = 'B: REST'
const ON_LOOP = 'A: connect on the loop'
const OBJECTS = 'C: objects in 20 threads'

printTitle(`blocking: 50 requests of ${times.connectMs} + ${times.cloneMs} ms, ${rounds} rounds`)
const variants = makeVariants().filter(({ name }) => only?.includes(name) ?? true)
for (let round = 0; round < rounds; round++) for (const variant of variants) variant.runs.push(await runOnce(variant))
reportVariants()
if (!only) {
  await reportOneRequest()
  await reportBatches()
}

function makeVariants(): Variant[] {
  const variant = (name: string, open: Variant['open'], idealMs: number, arrivals = fifty): Variant => ({ name, open, idealMs, arrivals, runs: [] })
  return [
    variant(CONTROL, timersOnly, idealMakespan(fifty, times, 50)),
    ...[20, 10, 5, 4].map((threads) => variant(`${threads} threads`, (each) => inThreads(each, threads), idealMakespan(fifty, times, threads))),
    variant('20 threads started before', (each) => startedBefore(each, 20), idealMakespan(fifty, times, 20)),
    variant('20 threads and 21 requests', (each) => inThreads(each, 20), idealMakespan(twentyOne, times, 20), twentyOne),
    variant(OBJECTS, (each) => objectsInThreads(each, 20), idealMakespan(fifty, times, 20)),
    variant(REST, overRest, idealMakespan(fifty, times, 50)),
    variant(ON_LOOP, (each) => connectOnLoop(each, 20), idealConnectingAlone(fifty, times)),
    variant('everything on the loop', onLoop, idealMakespan(fifty, times, 1)),
  ]
}

async function runOnce({ open, arrivals }: Variant): Promise<BlockingRun> {
  const backend = await open(times)
  try {
    return await serveArrivals(backend, arrivals, beatMs)
  } finally {
    await backend.close()
  }
}

function reportVariants(): void {
  printTable(
    ['variant', 'makespan s', 'ideal s', '× ideal', 'p50 s', 'longest s', 'in flight', 'beat p99 ms', 'beat latest ms'],
    variants.map(({ name, runs, idealMs }) => {
      const latencies = runs.flatMap((run) => run.latencies)
      return [
        name, seconds(median(makespans(name))), seconds(idealMs), (median(makespans(name)) / idealMs).toFixed(3),
        seconds(percentile(latencies, 50)), seconds(median(runs.map((run) => Math.max(...run.latencies)))),
        number(median(runs.map(({ mostInFlight }) => mostInFlight))), number(percentile(runs.flatMap(({ beatLateness }) => beatLateness), 99)), number(latestBeat(name)),
      ]
    }),
  )
  for (const { name, idealMs } of variants.filter((each) => /threads/.test(each.name))) {
    printBar({ what: `makespan, ${name} / ideal`, value: Number((median(makespans(name)) / idealMs).toFixed(4)), limit: { atMost: 1.03 } })
    printBar({ what: `latest beat, ${name}`, value: latestBeat(name), limit: { atMost: Number((1.1 * latestBeat(CONTROL) + 1).toFixed(2)) }, unit: ' ms' })
  }
  printBar({ what: 'makespan, C / B', value: pairedRatio(makespans(OBJECTS), makespans(REST)), limit: { atMost: 1.01 } })
  for (const name of [REST, OBJECTS]) printBar({ what: `latest beat, ${name}`, value: latestBeat(name), limit: { atMost: 5 }, unit: ' ms' })
  // By nearly a whole call: the beat that falls due just after a call has begun.
  printBar({ what: `the fault, latest beat, ${ON_LOOP}`, value: latestBeat(ON_LOOP), limit: { atLeast: 0.9 * times.connectMs }, unit: ' ms' })
}

function makespans(name: string): number[] {
  return runsOf(name).map(({ makespan }) => makespan)
}

/** The median over the rounds of the latest beat in each. */
function latestBeat(name: string): number {
  return median(runsOf(name).map(({ beatLateness }) => Math.max(...beatLateness)))
}

function runsOf(name: string): readonly BlockingRun[] {
  return variants.find((each) => each.name === name)?.runs ?? []
}

/** Construct a client, open an image, ask its id, close it: each a call in the thread where the client lives. */
async function reportOneRequest(): Promise<void> {
  const steps: [string, number][] = []
  const beat = new Beat(beatMs)
  let threadId = 0
  {
    await using pool = new ThreadPool({ threads: 20 })
    const backend = await proxyBackend(pool)
    const step = async <Result>(name: string, run: () => PromiseLike<Result>): Promise<Result> => {
      const start = performance.now()
      const result = await run()
      steps.push([name, performance.now() - start])
      return result
    }
    const client = await step('new Client()', () => backend.Client.create(times.connectMs))
    const image = await step('new Image(client)', () => backend.Image.create(client, times.connectMs))
    threadId = await step('image.id()', () => image.id())
    await step('image.close()', () => image.close())
    await image[Symbol.asyncDispose]()
    await client[Symbol.asyncDispose]()
  }
  const lateness = await beat.stop()
  printTable(['one request, each step in a thread', 'took ms', 'over the blocking ms'], steps.map(([name, ms]) => [name, number(ms), number(ms - times.connectMs)]))
  console.log(`the image lives in thread ${threadId} (0 is the main one); the latest beat was ${number(Math.max(...lateness))} ms late\n`)
}

/** A batch of 50 calls at once: what it costs when they, or one of them, take 30 times as long. */
async function reportBatches(): Promise<void> {
  const { short, long } = batchMs
  const allOf = (ms: number): number[] => Array.from({ length: BATCH }, () => ms)
  const oneSlow = [long, ...allOf(short).slice(1)]
  const backend = await importBackend()
  await using pool = new ThreadPool({ threads: 20 })
  const threads = await proxyBackend(pool)
  const batches: [string, (ms: number) => unknown, readonly number[], number][] = [
    ['cooperative', delay, allOf(short), short],
    ['cooperative, one of 50 takes 30 times as long', delay, oneSlow, long],
    ['cooperative, all 30 times as long', delay, allOf(long), long],
    ['20 threads', (ms) => threads.clone(ms), allOf(short), 3 * short],
    ['20 threads, all 30 times as long', (ms) => threads.clone(ms), allOf(long), 3 * long],
    ['on the loop', (ms) => backend.clone(ms), allOf(short), BATCH * short],
  ]
  await batch((ms) => threads.clone(ms), allOf(1))
  const rows: string[][] = []
  for (const [name, call, durations, idealMs] of batches) {
    const all: number[] = []
    for (let round = 0; round < rounds; round++) all.push(await batch(call, durations))
    rows.push([name, seconds(median(all)), seconds(idealMs)])
  }
  printTable([`${BATCH} calls of ${short} ms at once`, 'took s', 'ideal s'], rows)
}

async function batch(call: (ms: number) => unknown, durations: readonly number[]): Promise<number> {
  const tasks = new TaskPool()
  const start = performance.now()
  for (const ms of durations) await tasks.spawnN(async () => void await call(ms))
  await tasks.waitAll()
  return performance.now() - start
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(3)
}
