import assert from 'node:assert/strict'
import type { Clock } from '#src/base/clock.js'
import type { LauncherMessage, LifeMessage } from '#src/ipc/messages.js'
import type { LauncherEvent } from '#src/launcher/events.js'
import type { ServiceSpec, Slot } from '#src/launcher/fleet.js'
import type { Outcome } from '#src/launcher/supervisor-ports.js'
import { Supervisor } from '#src/launcher/supervisor.js'
import type { ProcessEvent, WorkerProcess } from '#src/launcher/worker-process.js'
import { serviceSpec } from './service-spec.js'

/** In the place of a process: does nothing by itself, and notes what it is told. */
export class ScriptedProcess {
  readonly pid: number
  readonly service: string
  readonly workerId: number
  /** `term`, `kill`, and what was sent. */
  readonly told: string[] = []
  readonly #onEvent: (event: ProcessEvent) => void

  constructor(pid: number, slot: Slot, onEvent: (event: ProcessEvent) => void) {
    this.pid = pid
    this.service = slot.service.spec.name
    this.workerId = slot.workerId
    this.#onEvent = onEvent
  }

  says(message: LifeMessage): void {
    this.#onEvent({ type: 'message', message })
  }

  exits(code: number | null, signal: NodeJS.Signals | null = null): void {
    this.#onEvent({ type: 'exited', code, signal })
  }

  terminate(): void {
    this.told.push('term')
  }

  kill(): void {
    this.told.push('kill')
  }

  send(message: LauncherMessage): void {
    this.told.push(message.reeve)
  }
}

/** More than this at once would look as if the launcher had been starved. */
const STEP_MS = 1_000
const BEAT_MS = 10_000

/** A supervisor whose processes and whose time the test moves. */
export class Supervised {
  readonly supervisor: Supervisor
  readonly processes: ScriptedProcess[] = []
  readonly events: LauncherEvent[] = []
  /** How many workers `ready` of the ports was called with, each time. */
  readonly readied: number[] = []
  readonly extensions: number[] = []
  readonly outcome: Promise<Outcome>
  progress = ''
  /** What a reload finds in the configuration; by default what there was. */
  configured: readonly ServiceSpec[] | { readonly error: string }
  /** Thrown by the next forks. */
  forkError: Error | undefined
  #now = 50_000
  #nextPid = 100

  constructor(specs: readonly ServiceSpec[]) {
    this.configured = specs
    const clock: Clock = { now: () => this.#now, sleep: () => assert.fail('the supervisor does not sleep') }
    this.supervisor = new Supervisor(specs, {
      clock,
      fork: (slot, _seat, onEvent) => this.#fork(slot, onEvent),
      reconfigure: () => this.configured,
      tell: (event) => { this.events.push(event) },
      ready: (workers) => { this.readied.push(workers) },
      progress: (ready, wanted) => { this.progress = `${ready}/${wanted}` },
      extended: (ms) => { this.extensions.push(ms) },
    })
    this.outcome = this.supervisor.run()
  }

  /** A fleet whose first processes are forked. */
  static async start(specs: readonly ServiceSpec[]): Promise<Supervised> {
    const fleet = new Supervised(specs)
    await fleet.settle()
    return fleet
  }

  /** Two workers of one service, but for what is given, and all are ready. */
  static async running(spec: Parameters<typeof serviceSpec>[0] = {}): Promise<Supervised> {
    const fleet = await Supervised.start([serviceSpec({ workers: 2, ...spec })])
    await fleet.ready(...fleet.processes)
    return fleet
  }

  /** Lets the loop do all that it has to do by now. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 2; turn++) await this.#call(() => {})
  }

  /** Does `work` in the loop, as signals and requests do, and what follows from it. */
  async do(work: (supervisor: Supervisor) => void): Promise<void> {
    await this.#call(work)
    await this.settle()
  }

  /** Lets `ms` pass, in steps between which the loop runs. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= STEP_MS) {
      this.#now += Math.min(left, STEP_MS)
      await this.settle()
    }
  }

  /** Lets `ms` pass while these processes beat, so that they do not hang. */
  async passBeating(ms: number, beating: readonly ScriptedProcess[] = this.processes): Promise<void> {
    for (let left = ms; left > 0; left -= BEAT_MS) {
      for (const process of beating) process.says({ reeve: 'beat', loopDelayMs: 0, rssBytes: 1 })
      await this.settle()
      await this.pass(Math.min(left, BEAT_MS))
    }
  }

  /** Lets `ms` pass at once: the launcher did not run meanwhile. */
  async starve(ms: number): Promise<void> {
    this.#now += ms
    await this.settle()
  }

  /** The process that was forked last for the slot. */
  worker(workerId: number, service = 'api'): ScriptedProcess {
    return this.processes.findLast((process) => process.service === service && process.workerId === workerId) ?? assert.fail(`no process of ${service}/${workerId}`)
  }

  async ready(...processes: readonly ScriptedProcess[]): Promise<void> {
    for (const process of processes) process.says({ reeve: 'ready' })
    await this.settle()
  }

  async exit(process: ScriptedProcess, code: number | null, signal: NodeJS.Signals | null = null): Promise<void> {
    process.exits(code, signal)
    await this.settle()
  }

  /** The events of one kind, in their order. */
  told<Name extends LauncherEvent['event']>(name: Name): Extract<LauncherEvent, { event: Name }>[] {
    return this.events.filter((event): event is Extract<LauncherEvent, { event: Name }> => event.event === name)
  }

  /** Ends what a test has left running, so that the loop does. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.supervisor.mailbox.send({ type: 'call', run: (supervisor) => { supervisor.kill('the test is over') } })
    let ended = false
    void this.outcome.then(() => { ended = true })
    for (let turn = 0; !ended; turn++) {
      assert.ok(turn < 100, 'the supervisor does not end')
      for (const process of this.processes) process.exits(null, 'SIGKILL')
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Does `work` in the loop; an end of the loop comes before it, if it comes. */
  async #call(work: (supervisor: Supervisor) => void): Promise<void> {
    const called = new Promise((resolve) => {
      this.supervisor.mailbox.send({ type: 'call', run: (supervisor) => resolve((async () => work(supervisor))()) })
    })
    await Promise.race([called, this.outcome])
  }

  #fork(slot: Slot, onEvent: (event: ProcessEvent) => void): WorkerProcess {
    if (this.forkError) throw this.forkError
    const process = new ScriptedProcess(this.#nextPid++, slot, onEvent)
    this.processes.push(process)
    return process as unknown as WorkerProcess
  }
}
