import type { Clock } from '../base/clock.js'
import { CodedError } from '../base/errors.js'
import { EXIT, type ExitCode } from '../base/exit-code.js'
import { Mailbox } from '../base/mailbox.js'
import { deadlineOf, postpone, step, type ChildEvent, type Effect } from './child-state.js'
import type { LauncherEvent } from './events.js'
import { growTo, isReady, isStopped, keyOf, newSeat, newService, seatsOf, staying, type Seat, type Service, type ServiceSpec, type Slot } from './fleet.js'
import { stepReload, type ReloadEffect, type ReloadEvent, type ReloadState } from './reload-state.js'
import { addDeath } from './restart-limit.js'
import type { ProcessEvent, WorkerProcess } from './worker-process.js'

/**
 * The one loop, and the only code that changes what a fleet is. Signal handlers,
 * process callbacks and the control socket do nothing but `send`.
 *
 * What a child does next is decided in child-state.ts, how a reload goes on in
 * reload-state.ts, how long a slot waits in backoff.ts, and when it is enough in
 * restart-limit.ts; here their effects are performed. Nothing here waits.
 */
export class Supervisor {
  readonly mailbox = new Mailbox<SupervisorEvent>()
  readonly services: readonly Service[]
  generation = 1
  reload: ReloadState = { name: 'idle' }
  stopping: Stopping | undefined
  /** All workers were ready at once at least one time. */
  wasReady = false

  readonly #ports: SupervisorPorts
  readonly #clock: Clock
  #everReady = false
  #failedBoots = 0
  #lastFailure = ''
  #reloadWaiters: Waiters = { now: [], next: [] }

  constructor(specs: readonly ServiceSpec[], ports: SupervisorPorts) {
    this.#ports = ports
    this.#clock = ports.clock
    this.services = specs.map((spec) => newService(spec, ports.clock.now()))
  }

  /** Runs the fleet until every process has ended. */
  async run(): Promise<Outcome> {
    while (!this.#isOver()) {
      const idleSince = this.#clock.now()
      const event = await this.mailbox.receive(Math.min(this.#nextDeadline() - idleSince, TICK_MS))
      const now = this.#clock.now()
      this.#forgive(now - idleSince - TICK_MS)
      if (event) this.#handle(event, now)
      this.#settle()
      this.#tick(now)
    }
    const { exitCode, reason } = this.stopping ?? { exitCode: EXIT.clean, reason: 'nothing is left to run' }
    return { exitCode, reason }
  }

  // --- what comes in -------------------------------------------------------

  #handle(event: SupervisorEvent, now: number): void {
    switch (event.type) {
      case 'process': return this.#onProcess(event.slot, event.seat, event.process, event.event, now)
      case 'call': return event.run(this)
    }
  }

  #onProcess(slot: Slot, seat: Seat, process: WorkerProcess, event: ProcessEvent, now: number): void {
    if (seat.process !== process) return
    if (event.type === 'exited') return this.#onExit(slot, seat, event)
    const { message } = event
    switch (message.reeve) {
      case 'ready': {
        if (seat.life.state.name !== 'starting') return
        this.#advance(slot, seat, { type: 'ready' })
        this.#everReady = true
        this.#tell({ event: 'worker.ready', ...this.#label(slot, seat), generation: seat.generation, afterMs: Math.round(now - seat.forkedAt) })
        if (seat === slot.successor) this.#promote(slot, seat)
        return
      }
      case 'beat':
        seat.beat = { at: now, loopDelayMs: message.loopDelayMs, rssBytes: message.rssBytes }
        return this.#advance(slot, seat, { type: 'beat' })
      case 'stopping': {
        if (seat.life.state.name !== 'stopping') this.#tell({ event: 'worker.stopping', ...this.#label(slot, seat) })
        return this.#advance(slot, seat, { type: 'stopping' })
      }
      case 'extend':
        this.#ports.extended(message.ms)
        return this.#advance(slot, seat, { type: 'extend', ms: message.ms })
      case 'failed':
        this.#lastFailure = message.message
        return
    }
  }

  #onExit(slot: Slot, seat: Seat, exit: Extract<ProcessEvent, { type: 'exited' }>): void {
    const label = this.#label(slot, seat)
    const before = seat.life.state.name
    slot.lastExit = { code: exit.code, signal: exit.signal, at: new Date().toISOString() }
    seat.process = undefined
    seat.beat = undefined
    this.#advance(slot, seat, { type: 'exited', code: exit.code, signal: exit.signal })
    const { state } = seat.life
    this.#tell({
      event: 'worker.exited', ...label, code: exit.code, signal: exit.signal,
      expected: before === 'stopping' || before === 'killed' || exit.code === 0,
      restartInMs: state.name === 'waiting' && seat !== slot.successor ? Math.max(0, state.startAt - this.#clock.now()) : null,
      ...(exit.error === undefined ? {} : { error: exit.error.message }),
    })
    if (before === 'starting' || (before === 'killed' && !this.#everReady)) this.#onFailedBoot(exit.code)
    if (seat === slot.successor) this.#abandon(slot)
  }

  #onFailedBoot(code: number | null): void {
    this.#failedBoots++
    if (this.#everReady || this.stopping) return
    const why = this.#lastFailure === '' ? '' : `: ${this.#lastFailure}`
    if (code === EXIT.configuration) return this.stop(EXIT.configuration, `the configuration is not valid${why}`)
    if (this.#failedBoots < BOOT_ATTEMPTS) return
    this.stop(EXIT.bootFailure, `no worker became ready in ${BOOT_ATTEMPTS} attempts${why}`)
  }

  // --- what is asked for ---------------------------------------------------

  /** Begins to stop; later calls change nothing. */
  stop(exitCode: ExitCode, reason: string): void {
    if (this.stopping) return
    this.stopping = { exitCode, reason, forced: false }
    this.#tell({ event: 'launcher.stopping', reason })
    if (this.reload.name !== 'idle') this.#finishReload(false, 'the launcher stops')
    this.reload = { name: 'idle' }
  }

  /** Kills whatever is left. */
  kill(reason: string): void {
    this.stop(EXIT.clean, reason)
    if (this.stopping) this.stopping = { ...this.stopping, forced: true }
  }

  /** Asks for a rolling reload; `done` is called when one that began after this request has ended. */
  requestReload(done: (outcome: ReloadOutcome) => void = () => {}): void {
    if (this.stopping) return done({ ok: false, generation: this.generation, error: 'the launcher stops' })
    if (this.reload.name !== 'idle') {
      this.#reloadWaiters.next.push(done)
      return this.#stepReload({ type: 'requested', slots: [] })
    }
    this.#reloadWaiters.now.push(done)
    this.#beginReload()
  }

  /** Gives the service `workers` slots; those with the highest numbers go first. */
  scale(service: Service, workers: number): void {
    if (!Number.isSafeInteger(workers) || workers < 1) {
      throw new CodedError('SCALE_INVALID', `Cannot scale "${service.spec.name}" as a service has at least 1 worker: ${workers}`)
    }
    if (this.stopping || service.ended || workers === staying(service).length) return
    growTo(service, workers, this.#clock.now())
    for (const slot of staying(service).slice(workers)) {
      slot.leaving = true
      for (const seat of seatsOf(slot)) this.#advance(slot, seat, { type: 'stop' })
      this.#stepReload({ type: 'slot gone', slot: keyOf(slot) })
    }
    this.#tell({ event: 'service.scaled', service: service.spec.name, workers })
  }

  /** One worker more or fewer, never under 1. */
  scaleBy(service: Service, change: 1 | -1): void {
    this.scale(service, Math.max(1, staying(service).length + change))
  }

  /** Sends `message` to every process. */
  broadcast(message: Parameters<WorkerProcess['send']>[0]): void {
    for (const { seat } of this.#seats()) seat.process?.send(message)
  }

  // --- reload --------------------------------------------------------------

  #beginReload(): void {
    const specs = this.#ports.reconfigure()
    if ('error' in specs) return this.#finishReload(false, specs.error)
    this.generation++
    this.#lastFailure = ''
    for (const service of this.services) {
      const spec = specs.find(({ name }) => name === service.spec.name)
      if (!spec) continue
      const wanted = spec.workers === service.spec.workers ? staying(service).length : spec.workers
      service.spec = spec
      this.scale(service, wanted)
    }
    const slots = this.services.filter((service) => !service.ended).flatMap(staying)
    this.#tell({ event: 'reload.started', generation: this.generation, workers: slots.length })
    this.#stepReload({ type: 'requested', slots: slots.map(keyOf) })
  }

  #stepReload(event: ReloadEvent): void {
    const { state, effects } = stepReload(this.reload, event)
    this.reload = state
    for (const effect of effects) this.#performReload(effect)
  }

  #performReload(effect: ReloadEffect): void {
    if (effect.do === 'finish') {
      this.#finishReload(effect.ok, effect.ok ? undefined : this.#lastFailure)
      if (effect.again && !this.stopping) this.#beginReload()
      return
    }
    const slot = this.services.flatMap(staying).find((candidate) => keyOf(candidate) === effect.slot)
    if (!slot) return this.#stepReload({ type: 'slot gone', slot: effect.slot })
    slot.successor = newSeat(this.#clock.now())
  }

  /** The successor serves from now on; the process before it drains. */
  #promote(slot: Slot, successor: Seat): void {
    const old = slot.serving
    slot.serving = successor
    slot.successor = undefined
    slot.retiring.push(old)
    this.#advance(slot, old, { type: 'stop' })
    this.#stepReload({ type: 'successor ready', slot: keyOf(slot) })
  }

  /** The successor did not become ready; it is not tried again. */
  #abandon(slot: Slot): void {
    slot.successor = undefined
    this.#stepReload({ type: 'successor failed', slot: keyOf(slot) })
  }

  #finishReload(ok: boolean, error?: string): void {
    const outcome = { ok, generation: this.generation, ...(error === undefined ? {} : { error }) }
    this.#tell({ event: 'reload.finished', ...outcome })
    for (const done of this.#reloadWaiters.now) done(outcome)
    this.#reloadWaiters = { now: this.#reloadWaiters.next, next: [] }
    if (!this.stopping) return
    for (const done of this.#reloadWaiters.now) done(outcome)
    this.#reloadWaiters = { now: [], next: [] }
  }

  // --- how it goes on ------------------------------------------------------

  /** Lets every child whose time has come go on. */
  #tick(now: number): void {
    for (const { slot, seat } of this.#seats()) {
      if (deadlineOf(seat.life.state) <= now) this.#advance(slot, seat, { type: 'tick' })
    }
  }

  /** Draws the conclusions from the states as they are now. */
  #settle(): void {
    for (const service of this.services) this.#settleService(service)
    if (this.reload.name === 'draining' && this.services.every((service) => service.slots.every(({ retiring }) => retiring.length === 0))) {
      this.#stepReload({ type: 'old ones gone' })
    }
    if (this.stopping) this.#settleStop(this.stopping.forced ? 'kill' : 'stop')
    const wanted = this.services.flatMap(staying)
    const ready = wanted.filter(isReady).length
    if (!this.wasReady && !this.stopping && ready === wanted.length && this.services.some(({ ended }) => !ended)) {
      this.wasReady = true
      this.#ports.ready(ready)
    }
    this.#ports.progress(ready, wanted.length)
  }

  #settleService(service: Service): void {
    for (const slot of service.slots) {
      const left = slot.retiring.filter((seat) => !isStopped(seat))
      slot.retiring.splice(0, slot.retiring.length, ...left)
    }
    service.slots = service.slots.filter((slot) => !slot.leaving || !seatsOf(slot).every(isStopped))
    if (service.ended || this.stopping || !service.slots.every((slot) => seatsOf(slot).every(isStopped))) return
    service.ended = true
    const { name, critical } = service.spec
    this.#tell({ event: 'service.ended', service: name, critical })
    if (!critical && this.services.some(({ ended }) => !ended)) return
    const failed = service.slots.some(({ lastExit }) => lastExit?.code !== 0)
    const failure = this.#everReady ? EXIT.failure : EXIT.bootFailure
    this.stop(failed ? failure : EXIT.clean, `service "${name}" has ended`)
  }

  /** The services stop in the reverse of the order in which they started, each when the one after it has ended. */
  #settleStop(type: 'stop' | 'kill'): void {
    const left = this.services.filter((service) => !service.slots.every((slot) => seatsOf(slot).every(isStopped)))
    for (const service of type === 'kill' ? left : left.slice(-1)) {
      for (const slot of [...service.slots].reverse()) {
        for (const seat of seatsOf(slot)) this.#advance(slot, seat, { type })
      }
    }
  }

  /** One child goes one step on, and what follows from it is done. */
  #advance(slot: Slot, seat: Seat, event: ChildEvent): void {
    const now = this.#clock.now()
    const { child, effects } = step(seat.life, event, slot.service.spec.policy, now)
    if (child.state.name !== seat.life.state.name) seat.since = now
    seat.life = child
    for (const effect of effects) this.#perform(slot, seat, effect, now)
  }

  #perform(slot: Slot, seat: Seat, effect: Effect, now: number): void {
    switch (effect.do) {
      case 'fork': return this.#fork(slot, seat, now)
      case 'term': return seat.process?.terminate()
      case 'kill': {
        if (effect.reason === 'hung') this.#tell({ event: 'worker.hung', ...this.#label(slot, seat), lastBeatMs: Math.round(now - (seat.beat?.at ?? seat.since)) })
        this.#tell({ event: 'worker.killed', ...this.#label(slot, seat), reason: effect.reason })
        if (this.stopping?.exitCode === EXIT.clean) this.stopping = { ...this.stopping, exitCode: EXIT.forced, reason: `${this.stopping.reason}; ${keyOf(slot)} had to be killed` }
        return seat.process?.kill()
      }
      case 'count death': return seat === slot.successor ? undefined : this.#countDeath(slot.service, now)
    }
  }

  #countDeath(service: Service, now: number): void {
    const { limit, critical, name } = service.spec
    const { deaths, allowed } = addDeath(service.deaths, now, limit)
    service.deaths = deaths
    if (allowed || this.stopping || (!this.#everReady && this.#failedBoots < BOOT_ATTEMPTS)) return
    const reason = `workers of "${name}" died ${deaths.length} times in ${limit.periodMs / 1000} s, allowed are ${limit.intensity}`
    if (critical) return this.stop(EXIT.gaveUp, reason)
    for (const slot of service.slots) for (const seat of seatsOf(slot)) this.#advance(slot, seat, { type: 'stop' })
  }

  #fork(slot: Slot, seat: Seat, now: number): void {
    slot.forks++
    seat.generation = this.generation
    seat.forkedAt = now
    try {
      const process: WorkerProcess = this.#ports.fork(slot, seat, (event) => this.mailbox.send({ type: 'process', slot, seat, process, event }))
      seat.process = process
      this.#tell({ event: 'worker.starting', ...this.#label(slot, seat), generation: seat.generation })
    } catch (error) {
      this.#onExit(slot, seat, { type: 'exited', code: null, signal: null, error: error as Error })
    }
  }

  /** Time in which the launcher was stopped or starved is taken off every worker's account. */
  #forgive(lateMs: number): void {
    if (lateMs < STARVED_MS) return
    this.#tell({ event: 'launcher.starved', ms: Math.round(lateMs) })
    for (const { seat } of this.#seats()) seat.life = { ...seat.life, state: postpone(seat.life.state, lateMs) }
  }

  #nextDeadline(): number {
    return Math.min(...this.#seats().map(({ seat }) => deadlineOf(seat.life.state)))
  }

  #isOver(): boolean {
    return this.stopping !== undefined && this.#seats().every(({ seat }) => isStopped(seat))
  }

  #seats(): { slot: Slot; seat: Seat }[] {
    return this.services.flatMap(({ slots }) => slots.flatMap((slot) => seatsOf(slot).map((seat) => ({ slot, seat }))))
  }

  #label(slot: Slot, seat: Seat): { service: string; workerId: number; pid: number | undefined } {
    return { service: slot.service.spec.name, workerId: slot.workerId, pid: seat.process?.pid }
  }

  #tell(event: LauncherEvent): void {
    this.#ports.tell(event)
  }
}

/** What the supervisor needs of the world around it. */
export interface SupervisorPorts {
  readonly clock: Clock
  fork(slot: Slot, seat: Seat, onEvent: (event: ProcessEvent) => void): WorkerProcess
  /** Reads the configuration anew, for a reload; the services as they are to be from now on. */
  reconfigure(): readonly ServiceSpec[] | { readonly error: string }
  tell(event: LauncherEvent): void
  /** Called once, when every worker is ready for the first time. */
  ready(workers: number): void
  /** Called after each event, changed or not. */
  progress(ready: number, wanted: number): void
  /** A worker asked for more time, in ms. */
  extended(ms: number): void
}

export type SupervisorEvent =
  | { readonly type: 'process'; readonly slot: Slot; readonly seat: Seat; readonly process: WorkerProcess; readonly event: ProcessEvent }
  /** Something from outside, a signal or a request, to be done in the loop. */
  | { readonly type: 'call'; readonly run: (supervisor: Supervisor) => void }

export interface Outcome {
  readonly exitCode: ExitCode
  readonly reason: string
}

interface Stopping extends Outcome {
  readonly forced: boolean
}

export interface ReloadOutcome {
  readonly ok: boolean
  readonly generation: number
  readonly error?: string
}

interface Waiters {
  now: ((outcome: ReloadOutcome) => void)[]
  next: ((outcome: ReloadOutcome) => void)[]
}

/** The loop wakes at least so often, in ms: that shows time in which it was stopped or starved. */
const TICK_MS = 1_000
const STARVED_MS = 1_000

/** Failed boots over the whole fleet, with none ever ready, after which it is given up. */
const BOOT_ATTEMPTS = 3
