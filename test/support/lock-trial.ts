import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FencedResource } from './fenced-resource.js'
import { readHistory } from './history.js'
import { disorders, fencesThatDoNotGrow, overlaps, readHolds, type Hold } from './lock-judge.js'
import type { LockEvent, LockWorkerOptions } from './lock-worker.js'
import { until } from './processes.js'

const WORKER = join(import.meta.dirname, 'lock-worker.js')
/** Short, so that much expires in little time. */
export const TTL_MS = 500

/** What keeps the locks. `stop()` may be called twice. */
export interface TrialStore {
  readonly url: string
  stop(): Promise<void>
}

/** What a trial has found; all lists are empty when the locks have kept their word. */
export interface Findings {
  readonly holds: readonly Hold[]
  /** Two holders who were told that they hold at one moment. */
  readonly overlaps: readonly string[]
  readonly fences: readonly string[]
  readonly lostUpdates: readonly string[]
  /** What no order of the calls explains. */
  readonly disorders: readonly string[]
  /** Workers that ended otherwise than they were made to. */
  readonly crashes: readonly string[]
  readonly refusedWrites: number
}

/**
 * Some processes that take locks of one store, each by itself, and write down what
 * they are told. Faults are the caller's; `judge()` stops all, the store too, and says
 * whether anything went wrong meanwhile.
 */
export class LockTrial {
  readonly #store: TrialStore
  readonly #folder: string
  readonly #resource: FencedResource
  readonly #workers = new Map<string, ChildProcess>()
  readonly #crashes: string[] = []
  #started = 0

  /** Use `start`. */
  constructor(store: TrialStore, folder: string, resource: FencedResource) {
    this.#store = store
    this.#folder = folder
    this.#resource = resource
  }

  /** The trial stops the store with itself, whatever happens. */
  static async start(store: TrialStore, workers = 4): Promise<LockTrial> {
    const folder = await mkdtemp(join(tmpdir(), 'reeve-locks-'))
    const trial = new LockTrial(store, folder, await FencedResource.listen(join(folder, 'resource.sock')))
    try {
      await Promise.all(Array.from({ length: workers }, () => trial.startWorker()))
      await trial.progress()
      return trial
    } catch (error) {
      await trial.close()
      throw error
    }
  }

  get pids(): readonly number[] {
    return [...this.#workers.values()].flatMap(({ pid }) => (pid === undefined ? [] : [pid]))
  }

  async startWorker(): Promise<void> {
    const member = `w${++this.#started}`
    const options: LockWorkerOptions = {
      url: this.#store.url, member, folder: this.#folder, resource: this.#resource.path, ttlMs: TTL_MS, maxTtlMs: TTL_MS,
    }
    const child = fork(WORKER, [JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'pipe', 'ipc'], execArgv: ['--unhandled-rejections=strict'] })
    let errors = ''
    child.stderr?.on('data', (text: Buffer) => { errors += String(text) })
    this.#workers.set(member, child)
    child.once('exit', (code, signal) => {
      this.#workers.delete(member)
      if (code !== 0 && signal !== 'SIGKILL') this.#crashes.push(`${member} ended with ${code ?? signal ?? '?'}: ${errors.slice(0, 2_000)}`)
    })
    // A crash is for the judge.
    await Promise.race([once(child, 'message'), once(child, 'exit')])
  }

  /** Kills one of them, and starts another in its place. */
  async replaceWorker(pid: number): Promise<void> {
    const child = [...this.#workers.values()].find((each) => each.pid === pid)
    if (!child) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    await this.startWorker()
  }

  /** Resolves when updates are being made. @throws after 20 s */
  async progress(): Promise<void> {
    const before = this.#resource.accepted
    await until('updates under locks', () => this.#resource.accepted >= before + 10 || this.#crashes.length > 0)
  }

  /** Stops everything. `mayEnd`: see `disorders`. */
  async judge(mayEnd?: (hold: Hold) => number): Promise<Findings> {
    await this.#stopWorkers()
    const holds = readHolds(readHistory<LockEvent>(this.#folder))
    const findings: Findings = {
      holds,
      overlaps: overlaps(holds),
      fences: fencesThatDoNotGrow(holds),
      lostUpdates: this.#resource.lostUpdates,
      disorders: disorders(holds, mayEnd),
      crashes: this.#crashes,
      refusedWrites: this.#resource.refused,
    }
    await this.close()
    return findings
  }

  /** Leaves nothing behind, whatever has happened. */
  async close(): Promise<void> {
    for (const child of this.#workers.values()) child.kill('SIGKILL')
    await this.#resource.close().catch(() => {})
    await this.#store.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #stopWorkers(): Promise<void> {
    await Promise.all([...this.#workers.values()].map(async (child) => {
      const ended = once(child, 'exit')
      child.kill('SIGCONT')
      child.kill('SIGTERM')
      const late = setTimeout(() => {
        this.#crashes.push(`${child.pid ?? '?'} did not stop`)
        child.kill('SIGKILL')
      }, 15_000)
      await ended
      clearTimeout(late)
    }))
  }
}
