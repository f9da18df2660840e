import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Contender, FleetPlan, Supervisor } from './contender.js'
import { benchEnvironment } from './environment.js'
import { isAlive, killAll, processTree, signalIfAlive } from './processes.js'
import { ReadyPipe, type ReadyWorker } from './ready-pipe.js'

const READY_MS = 30_000
const PARENT_CHECK_MS = 250

export interface FleetOptions {
  readonly workers: number
  /** Limit of open descriptors. Default: inherited. */
  readonly descriptors?: number
  /** More environment for the program. */
  readonly env?: Readonly<Record<string, string>>
}

/**
 * A contender with its workers. Leaving its scope stops it, and kills by pid
 * whatever of its processes would not end; so does the end of the benchmark.
 */
export class Fleet implements AsyncDisposable {
  readonly name: string
  readonly #plan: FleetPlan
  readonly #supervisor: Supervisor
  readonly #ready: ReadyPipe
  /** All that ever said they were ready, in that order. */
  readonly #workers: ReadyWorker[] = []

  constructor(name: string, plan: FleetPlan, supervisor: Supervisor, ready: ReadyPipe) {
    this.name = name
    this.#plan = plan
    this.#supervisor = supervisor
    this.#ready = ready
    living.add(this)
  }

  /** Everything but the start itself. */
  static async prepare(contender: Contender, { workers, descriptors, env = {} }: FleetOptions): Promise<Fleet> {
    const directory = mkdtempSync(join(tmpdir(), 'reeve-bench-'))
    const port = await freePort()
    const fifo = join(directory, 'ready')
    const pipe = new ReadyPipe(fifo)
    const facts = { BENCH_PORT: String(port), BENCH_WORKERS: String(workers), BENCH_READY: fifo, XDG_RUNTIME_DIR: directory }
    const plan = { workers, port, directory, descriptors, env: benchEnvironment({ ...facts, ...env }) }
    return new Fleet(contender.name, plan, await contender.prepare(plan), pipe)
  }

  /** A fleet with all its workers ready. */
  static async start(contender: Contender, options: FleetOptions): Promise<Fleet> {
    const fleet = await Fleet.prepare(contender, options)
    try {
      await fleet.boot()
    } catch (error) {
      await fleet[Symbol.asyncDispose]()
      throw error
    }
    return fleet
  }

  /** Starts it; resolves when the last worker is ready, with the ms that took. */
  async boot(): Promise<number> {
    const startedAt = performance.now()
    this.#supervisor.start()
    let last = startedAt
    for (let n = 0; n < this.#plan.workers; n++) last = (await this.nextReady()).at
    return last - startedAt
  }

  /** The next worker to become ready. Rejects, with the end of the contender's output, when its parent ends or 30 s pass without one. */
  async nextReady(timeoutMs = READY_MS): Promise<ReadyWorker> {
    for (const end = performance.now() + timeoutMs; performance.now() < end && isAlive(this.parentPid); ) {
      const worker = await this.#ready.next(PARENT_CHECK_MS)
      if (!worker) continue
      this.#workers.push(worker)
      return worker
    }
    throw new Error(`Cannot go on with "${this.name}" as no worker became ready:\n${this.#output()}`)
  }

  /** TCP port of 127.0.0.1. */
  get port(): number {
    return this.#plan.port
  }

  /** Pids of the living workers, the longest ready first. */
  get workerPids(): number[] {
    return this.#alive().map(({ pid }) => pid)
  }

  /** The living worker that has been ready for longest. */
  get oldestWorker(): ReadyWorker {
    const [oldest] = this.#alive()
    if (!oldest) throw new Error(`Cannot choose a worker of "${this.name}" as none is alive:\n${this.#output()}`)
    return oldest
  }

  /** Of the launcher, primary or daemon. */
  get parentPid(): number {
    return this.#supervisor.pid
  }

  /** Parent, workers and whatever else it runs. */
  get allPids(): number[] {
    return processTree(this.parentPid)
  }

  /** One rolling reload: resolves when as many new workers are ready as there were old ones, and these have all gone. */
  async reload(timeoutMs: number): Promise<void> {
    const old = this.workerPids
    this.#supervisor.reload?.()
    for (let n = 0; n < old.length; n++) await this.nextReady(timeoutMs)
    const end = performance.now() + timeoutMs
    while (old.some(isAlive)) {
      if (performance.now() > end) throw new Error(`Cannot end the reload of "${this.name}" as an old worker stays:\n${this.#output()}`)
      await delay(20)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pids = this.#knownPids()
    await this.#supervisor.stop()
    await killAll(pids)
    this.#ready[Symbol.dispose]()
    rmSync(this.#plan.directory, { recursive: true, force: true })
    living.delete(this)
  }

  /** For the end of the benchmark itself, where nothing can be awaited. */
  killNow(): void {
    for (const pid of this.#knownPids()) signalIfAlive(pid, 'SIGKILL')
    rmSync(this.#plan.directory, { recursive: true, force: true })
  }

  #knownPids(): number[] {
    return Number.isNaN(this.parentPid) ? [] : this.allPids
  }

  #alive(): ReadyWorker[] {
    return this.#workers.filter(({ pid }) => isAlive(pid))
  }

  #output(): string {
    return readFileSync(join(this.#plan.directory, 'output.log'), 'utf8').split('\n').slice(-20).join('\n')
  }
}

const living = new Set<Fleet>()

process.on('exit', () => {
  for (const fleet of living) fleet.killNow()
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
