import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import { TcpProxy } from '../../support/tcp-proxy.js'
import { benchEnvironment } from './environment.js'
import type { HolderEvent, HolderTask } from './lock-holder-process.js'
import { killAll, signalIfAlive } from './processes.js'
import type { RedisServer } from '../../support/redis.js'

/** What is done to a holder: its packets vanish, its server is gone for it, it stands still, or the server forgets. */
export type Fault = 'blackhole' | 'refuse' | 'stop' | 'restart empty'

export interface LossPlan {
  readonly library: string
  readonly redisOptions: object
  readonly fault: Fault
  readonly server: RedisServer
  readonly lock: string
  readonly ttlMs: number
  /** How long is looked on after the fault. */
  readonly watchMs: number
}

/** Times in ms since the holder got the lock; undefined: not while it was looked on. */
export interface Loss {
  readonly othersInAt: number | undefined
  readonly toldAt: number | undefined
  /** Of a holder that stood still: what its first statement heard, and when that was. */
  readonly firstSays: boolean | undefined
  readonly wokeAt: number | undefined
  readonly rejections: number
  /** Why it could not be run. */
  readonly failure: string | undefined
  /** When the looking-on ended. */
  readonly endedAt: number
}

const FAULT_AT_MS = 300
/** A holder stands still for so many TTLs. */
const STOP_TTLS = 2
const PROGRAM = fileURLToPath(new URL('lock-holder-process.js', import.meta.url))
const PATIENCE_MS = 20_000

/**
 * One experiment: a holder behind a proxy, in a process of its own, and a rival that
 * reaches the server directly and wants the lock from when the holder has it.
 */
export class LossExperiment implements AsyncDisposable {
  readonly #plan: LossPlan
  readonly #proxy: TcpProxy
  readonly #holder = new Watched()
  readonly #rival = new Watched()

  /** Use `prepare`. */
  constructor(plan: LossPlan, proxy: TcpProxy) {
    this.#plan = plan
    this.#proxy = proxy
  }

  /** Both processes have loaded what they need. */
  static async prepare(plan: LossPlan): Promise<LossExperiment> {
    const experiment = new LossExperiment(plan, await TcpProxy.start(plan.server.port))
    for (const process of [experiment.#holder, experiment.#rival]) process.send({ kind: 'load', library: plan.library })
    for (const process of [experiment.#holder, experiment.#rival]) await process.next('loaded')
    return experiment
  }

  async run(): Promise<Loss> {
    const { library, redisOptions, server, lock: name, ttlMs, watchMs } = this.#plan
    const [holder, rival] = [this.#holder, this.#rival]
    holder.send({ kind: 'hold', library, redisOptions, options: { url: `redis://127.0.0.1:${this.#proxy.port}`, name, ttlMs } })
    const start = await holder.next('held')
    if (start === undefined) return { ...NOTHING, failure: holder.failure ?? 'it did not get the lock' }
    rival.send({ kind: 'wait', library, options: { url: server.url, name, ttlMs } })
    await delay(FAULT_AT_MS - msBetween(start, process.hrtime.bigint()))
    await this.#strike()
    await delay(watchMs)
    const since = (at: bigint | undefined): number | undefined => at === undefined ? undefined : msBetween(start, at)
    return {
      othersInAt: since(rival.at('got')), toldAt: since(holder.at('told')), wokeAt: since(holder.at('woke')), firstSays: holder.says,
      rejections: holder.count('rejection'), failure: undefined, endedAt: msBetween(start, process.hrtime.bigint()),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#holder.end(), this.#rival.end()])
    await this.#proxy.stop()
  }

  /** The server is restarted by whoever shares it. */
  async #strike(): Promise<void> {
    const { fault, ttlMs } = this.#plan
    if (fault === 'blackhole') this.#proxy.blackhole()
    if (fault === 'refuse') {
      this.#proxy.refuse()
      this.#proxy.cut()
    }
    if (fault === 'stop') await this.#stopHolder(STOP_TTLS * ttlMs)
  }

  async #stopHolder(ms: number): Promise<void> {
    this.#holder.send({ kind: 'spin', pauseMs: ms / 2 })
    await this.#holder.next('spinning')
    this.#holder.signal('SIGSTOP')
    await delay(ms)
    this.#holder.signal('SIGCONT')
    await this.#holder.next('woke')
  }
}

const NOTHING: Omit<Loss, 'failure'> = { othersInAt: undefined, toldAt: undefined, firstSays: undefined, wokeAt: undefined, rejections: 0, endedAt: 0 }

/** A child that tells what happens to it. */
class Watched {
  readonly #child: ChildProcess = fork(PROGRAM, [], { env: benchEnvironment(), stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  readonly #events: HolderEvent[] = []

  constructor() {
    this.#child.on('message', (event: HolderEvent) => this.#events.push(event))
  }

  send(task: HolderTask): void {
    this.#child.send(task)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  at(kind: HolderEvent['kind']): bigint | undefined {
    const event = this.#events.find((each) => each.kind === kind)
    return event && BigInt(event.at)
  }

  count(kind: HolderEvent['kind']): number {
    return this.#events.filter((event) => event.kind === kind).length
  }

  get says(): boolean | undefined {
    return this.#events.find(({ kind }) => kind === 'woke')?.says
  }

  get failure(): string | undefined {
    return this.#events.find(({ kind }) => kind === 'failed')?.why
  }

  /** When it first said `kind`; undefined when it failed, or did not in time. */
  async next(kind: HolderEvent['kind']): Promise<bigint | undefined> {
    for (const end = performance.now() + PATIENCE_MS; performance.now() < end && this.failure === undefined; await delay(5)) {
      const at = this.at(kind)
      if (at !== undefined) return at
    }
    return undefined
  }

  async end(): Promise<void> {
    signalIfAlive(this.#child.pid ?? -1, 'SIGCONT')
    await killAll(this.#child.pid === undefined ? [] : [this.#child.pid])
  }
}

function msBetween(from: bigint, to: bigint): number {
  return Number(to - from) / 1e6
}
