import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Coordinator } from '#src/coordination/contract.js'
import { getCoordinator } from '#src/coordination/get-coordinator.js'
import { readHistory } from './history.js'
import { disorders, fencesThatDoNotGrow, overlaps, readHolds } from './lock-judge.js'
import type { TrialStore } from './lock-trial.js'
import type { LockEvent } from './lock-worker.js'
import { STEADY, type MemberMessage, type MemberWorkerOptions } from './member-worker.js'
import { until } from './processes.js'

const WORKER = join(import.meta.dirname, 'member-worker.js')
/** So long that no living process misses two beats, however busy the machine. */
export const GROUP_TTL_MS = 3_000
export const LEASE_TTL_MS = 1_000
/** To be dropped after a ttl takes somebody's beat; and who was away asks again after a pause. */
const WITHIN_MS = 10 * GROUP_TTL_MS

/** All lists are empty when groups and elections have kept their word. */
export interface MemberFindings {
  /** Members that were seen to leave although they were there. */
  readonly wrongLeaves: readonly string[]
  /** Two that led at one moment. */
  readonly overlaps: readonly string[]
  readonly epochs: readonly string[]
  readonly disorders: readonly string[]
  readonly crashes: readonly string[]
  readonly terms: number
}

/** One process of the trial, as its messages show it. */
interface Member {
  readonly child: ChildProcess
  sees: readonly string[]
  leader: string | undefined
  rejoined: number
}

/** Processes that are in a group and in elections, each by itself. Faults are the caller's; `judge()` stops all and says what went wrong. */
export class MemberTrial {
  readonly #store: TrialStore
  readonly #folder: string
  /** Asks the store beside them. */
  readonly #witness: Coordinator
  readonly #members = new Map<string, Member>()
  readonly #excused = new Set<string>()
  readonly #wrongLeaves: string[] = []
  readonly #crashes: string[] = []
  #started = 0
  #terms = 0
  #closing = false

  /** Use `start`. */
  constructor(store: TrialStore, folder: string, witness: Coordinator) {
    this.#store = store
    this.#folder = folder
    this.#witness = witness
  }

  /** The trial stops the store with itself, whatever happens. */
  static async start(store: TrialStore, count: number): Promise<MemberTrial> {
    const trial = new MemberTrial(store, await mkdtemp(join(tmpdir(), 'reeve-members-')), await getCoordinator(store.url, 'witness'))
    try {
      await Promise.all(Array.from({ length: count }, () => trial.join()))
      await trial.converged()
      return trial
    } catch (error) {
      await trial.close()
      throw error
    }
  }

  get living(): readonly string[] {
    return [...this.#members.keys()].sort()
  }

  /** One more process. `url`: another way to the store. Gives its name. */
  async join(url = this.#store.url): Promise<string> {
    const name = `m${++this.#started}`
    const options: MemberWorkerOptions = { url, member: name, folder: this.#folder, groupTtlMs: GROUP_TTL_MS, leaseTtlMs: LEASE_TTL_MS }
    const child = fork(WORKER, [JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'pipe', 'ipc'], execArgv: ['--unhandled-rejections=strict'] })
    let errors = ''
    child.stderr?.on('data', (text: Buffer) => { errors += String(text) })
    const member: Member = { child, sees: [], leader: undefined, rejoined: 0 }
    this.#members.set(name, member)
    const ready = new Promise<void>((resolve) => {
      child.on('message', (message: MemberMessage) => { if (message.kind === 'ready') resolve(); else this.#note(name, member, message) })
      child.once('exit', () => resolve())
    })
    child.once('exit', (code, signal) => {
      this.#members.delete(name)
      if (code !== 0 && signal !== 'SIGKILL') this.#crashes.push(`${name} ended with ${code ?? signal ?? '?'}: ${errors.slice(0, 2_000)}`)
    })
    await ready
    return name
  }

  /** By SIGKILL. */
  async kill(name: string): Promise<void> {
    const child = this.#members.get(name)?.child
    if (!child) return
    const ended = once(child, 'exit')
    this.#members.delete(name)
    child.kill('SIGKILL')
    await ended
  }

  /** From now on it may be seen to leave: it is cut off. */
  excuse(name: string): void {
    this.#excused.add(name)
  }

  /** Whose watches show it now: its own, too. */
  watchersOf(name: string): readonly string[] {
    return this.living.filter((each) => this.#members.get(each)?.sees.includes(name))
  }

  /** How often it was told that it had been taken for dead. */
  rejoinedOf(name: string): number {
    return this.#members.get(name)?.rejoined ?? 0
  }

  /** Who leads STEADY, by the store. */
  async leader(): Promise<string | undefined> {
    return (await this.#witness.election(STEADY).leader())?.memberId
  }

  /** Resolves when every watch shows who is there and nobody else, and every observer the leader, one of them. @throws after some ttls, with what they show */
  async converged(): Promise<void> {
    let seen = ''
    const agree = async (): Promise<boolean> => {
      if (this.#crashes.length > 0) throw new Error(this.#crashes.join('\n'))
      const [living, leader] = [this.living.join(), await this.leader().catch(() => undefined)]
      const views = [...this.#members.values()].map(({ sees, leader: led }) => `${sees.join()} led by ${led ?? 'nobody'}`)
      seen = `${living} led by ${leader ?? 'nobody'}, but seen: ${views.join('; ')}`
      return leader !== undefined && this.#members.has(leader) && views.every((view) => view === `${living} led by ${leader}`)
    }
    await until('all see the same', agree, WITHIN_MS).catch((error: unknown) => { throw new Error(`${String(error)}\n${seen}`) })
  }

  /** Resolves when terms begin and end. */
  async progress(): Promise<void> {
    const before = this.#terms
    await until('terms of leadership', () => this.#terms >= before + 10 || this.#crashes.length > 0)
  }

  async judge(): Promise<MemberFindings> {
    this.#closing = true
    await Promise.all([...this.#members.values()].map(async ({ child }) => {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    }))
    const holds = readHolds(readHistory<LockEvent>(this.#folder))
    const findings: MemberFindings = {
      wrongLeaves: this.#wrongLeaves,
      overlaps: overlaps(holds),
      epochs: fencesThatDoNotGrow(holds),
      disorders: disorders(holds, ({ call }) => call),
      crashes: this.#crashes,
      terms: holds.length,
    }
    await this.close()
    return findings
  }

  /** Leaves nothing behind, whatever has happened. */
  async close(): Promise<void> {
    this.#closing = true
    for (const { child } of this.#members.values()) child.kill('SIGKILL')
    await this.#witness.stop()
    await this.#store.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }

  #note(name: string, member: Member, message: MemberMessage): void {
    if (message.kind === 'rejoined') member.rejoined++
    if (message.kind === 'leader') member.leader = message.member
    if (message.kind === 'term') this.#terms++
    if (message.kind !== 'members') return
    member.sees = message.members
    if (this.#closing) return
    for (const id of message.left) if (this.#members.has(id) && !this.#excused.has(id)) this.#wrongLeaves.push(`${name} saw ${id} leave, and then ${message.members.join()}`)
  }
}
