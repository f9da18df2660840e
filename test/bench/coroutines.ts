/**
 * Coroutines and processes: two tasks of computing, each of T alone. Coroutines in
 * one process share a core, so that both take 2 T whether they yield or not; two
 * workers on two cores take T. Hence a process for each core, with coroutines in each.
 *
 * The workers are the same two processes throughout; T is measured in each round,
 * in turns with the rest. On a machine that others use too, two workers cannot
 * have both cores: CPU seconds are printed beside.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { yieldEvery, yieldNow } from '#src/queue/index.js'
import { readArguments } from './support/arguments.js'
import { benchEnvironment } from './support/environment.js'
import { number, printBar, printTable, printTitle } from './support/report.js'
import { median, pairedRatio } from './support/statistics.js'

type Job =
  | { readonly kind: 'calibrate'; readonly ms: number }
  /** Tasks one after the other. */
  | { readonly kind: 'to the end'; readonly tasks: number; readonly units: number }
  /** Tasks in turns of `YIELD_MS`. */
  | { readonly kind: 'yielding'; readonly tasks: number; readonly units: number }
  /** Two tasks that do nothing but yield. */
  | { readonly kind: 'yields'; readonly count: number }

/** What a worker says of a job. */
interface Done {
  readonly cpuMs: number
  /** Units for `calibrate`, switches from task to task else. */
  readonly count: number
}

interface Turn {
  readonly ms: number
  readonly cpuMs: number
  readonly switches: number
}

const WORKER = 'worker'
const YIELD_MS = 100
const UNIT_STEPS = 50_000
const YIELDS = 100_000

if (process.argv[2] === WORKER) serve()
else await run()

async function run(): Promise<void> {
  const { rounds, quick } = readArguments({ rounds: 5, quickRounds: 2 })
  const aloneMs = quick ? 500 : 2_000
  printTitle(`coroutines: two tasks of ${aloneMs / 1_000} s of CPU, ${rounds} rounds`)
  const workers = [startWorker(), startWorker()]
  const [first = startWorker(), second = first] = workers
  await ask(second, { kind: 'calibrate', ms: aloneMs })
  const units = (await ask(first, { kind: 'calibrate', ms: aloneMs })).count
  const jobs: Readonly<Record<string, () => Promise<Turn>>> = {
    'one task alone': () => turn([first], { kind: 'to the end', tasks: 1, units }),
    'one worker, to the end': () => turn([first], { kind: 'to the end', tasks: 2, units }),
    [`one worker, yielding every ${YIELD_MS} ms`]: () => turn([first], { kind: 'yielding', tasks: 2, units }),
    'two workers': () => turn(workers, { kind: 'to the end', tasks: 1, units }),
  }
  const turns = new Map<string, Turn[]>(Object.keys(jobs).map((name) => [name, []]))
  const yields: number[] = []
  for (let round = 0; round < rounds; round++) {
    for (const [name, job] of Object.entries(jobs)) turns.get(name)?.push(await job())
    yields.push(((await turn([first], { kind: 'yields', count: YIELDS })).ms * 1e6) / YIELDS)
  }
  for (const worker of workers) worker.disconnect()
  report(turns, yields)
}

function report(turns: ReadonlyMap<string, readonly Turn[]>, yields: readonly number[]): void {
  const [alone = '', toEnd = '', yielding = '', two = ''] = turns.keys()
  const of = (name: string, fact: keyof Turn): number[] => turns.get(name)?.map((each) => each[fact]) ?? []
  const ratio = (name: string): number => pairedRatio(of(name, 'ms'), of(alone, 'ms'))
  printTable(['two tasks', 's', 'CPU s', '× T', 'switches'], [...turns.keys()].map((name) => [
    name, (median(of(name, 'ms')) / 1_000).toFixed(3), (median(of(name, 'cpuMs')) / 1_000).toFixed(3), ratio(name).toFixed(3), number(median(of(name, 'switches'))),
  ]))
  const costs = of(yielding, 'ms').map((ms, i) => ((ms - (of(toEnd, 'ms')[i] ?? NaN)) * 1_000) / (of(yielding, 'switches')[i] ?? NaN))
  console.log(`a switch: ${number(median(yields))} ns by itself; ${number(median(costs))} µs as the difference of the two runs, which is the machine's noise\n`)
  printBar({ what: 'one worker, to the end / T', value: Number(ratio(toEnd).toFixed(4)), limit: { atMost: 2.02 } })
  printBar({ what: 'two workers / T', value: Number(ratio(two).toFixed(4)), limit: { atMost: 1.05 } })
  printBar({ what: 'speed-up of two workers', value: pairedRatio(of(toEnd, 'ms'), of(two, 'ms')), limit: { atLeast: 1.9 } })
}

function startWorker(): ChildProcess {
  return fork(fileURLToPath(import.meta.url), [WORKER], { env: benchEnvironment() })
}

/** From the order to the last answer of the workers. */
async function turn(workers: readonly ChildProcess[], job: Job): Promise<Turn> {
  const start = performance.now()
  const all = await Promise.all(workers.map((worker) => ask(worker, job)))
  const sum = (fact: keyof Done): number => all.reduce((total, done) => total + done[fact], 0)
  return { ms: performance.now() - start, cpuMs: sum('cpuMs'), switches: sum('count') }
}

async function ask(worker: ChildProcess, job: Job): Promise<Done> {
  worker.send(job)
  return ((await once(worker, 'message')) as [Done])[0]
}

function serve(): void {
  process.on('disconnect', () => process.exit())
  process.on('message', (job: Job) => void perform(job).then((count) => {
    const { user, system } = process.cpuUsage(cpu)
    process.send?.({ count, cpuMs: (user + system) / 1_000 } satisfies Done)
    cpu = process.cpuUsage()
  }))
  let cpu = process.cpuUsage()
}

async function perform(job: Job): Promise<number> {
  switch (job.kind) {
    case 'calibrate': return unitsIn(job.ms)
    case 'to the end': {
      for (let n = 0; n < job.tasks * job.units; n++) burnUnit()
      return 0
    }
    case 'yielding': return await inTurns(job.tasks, job.units)
    case 'yields': {
      const task = async (): Promise<void> => { for (let n = 0; n < job.count / 2; n++) await yieldNow() }
      await Promise.all([task(), task()])
      return job.count
    }
  }
}

async function inTurns(tasks: number, units: number): Promise<number> {
  let switches = 0
  await Promise.all(Array.from({ length: tasks }, async () => {
    const breathe = yieldEvery(YIELD_MS)
    for (let n = 0; n < units; n++) {
      burnUnit()
      const turn = breathe()
      if (!turn) continue
      switches++
      await turn
    }
  }))
  return switches
}

/** Measured in the second half: by then the code is compiled. */
function unitsIn(ms: number): number {
  const half = (): number => {
    const end = performance.now() + ms / 2
    let units = 0
    for (; performance.now() < end; units++) burnUnit()
    return units
  }
  half()
  return 2 * half()
}

let state = 1

function burnUnit(): void {
  let mixed = state
  for (let n = 0; n < UNIT_STEPS; n++) mixed = Math.imul(mixed ^ n, 16_777_619)
  state = mixed
}
