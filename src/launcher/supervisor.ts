import type { Clock } from '../base/clock.js'
import { CodedError } from '../base/errors.js'
import { EXIT, type ExitCode } from '../base/exit-code.js'
import { Mailbox } from '../base/mailbox.js'
import { BootRecord } from './boot-record.js'
import { deadlineOf, postpone, step, type ChildEvent, type ChildState, type Effect } from './child-state.js'
import type { LauncherEvent } from './events.js'
import { active, growTo, isReady, isStopped, keyOf, newSeat, newService, seatsOf, staying, type Seat, type Service, type ServiceSpec, type Slot } from './fleet.js'
import { addDeath } from './restart-limit.js'
import { RollingReload, type ReloadOutcome } from './rolling-reload.js'
import type { Outcome, SupervisorPorts } from './supervisor-ports.js'
import type { ProcessEvent, WorkerProcess } from './worker-process.js'

/**
 * The one loop, and the only code that changes what a fleet is. Signal handlers,
 * process callbacks and the control socket do nothing but send to `mailbox`.
 *
 * What a child does next is decided in child-state.ts, how a reload goes on in
 * reload-state.ts, how long a slot waits in backoff.ts, when it is enough in
 * restart-limit.ts and boot-record.ts; here their effects are performed. Nothing
 * that the loop calls waits.
 */
export class Supervisor {
  readonly mailbox = new Mailbox<SupervisorEvent>()
  readonly services: readonly Service[]
  readonly reload: RollingReload
  generation = 1
  stopping: Stopping | undefined
  /** All workers were ready at once, at least one time. */
  wasReady = false

  readonly #ports: SupervisorPorts
  readonly #clock: Clock
  readonly #boots = new BootRecord()

  constructor(specs: readonly ServiceSpec[], ports: SupervisorPorts) {
    this.#ports = ports
    this.#clock = ports.clock
    this.services = specs.map((spec) => newService(spec, ports.clock.now()))
    this.reload = new RollingReload({
      begin: () => this.#beginReload(),
      startSuccessor: (key) => this.#startSuccessor(key),
      lastFailure: () => this.#boots.lastFailure,
      finished: (ok, error) => this.#finishReload(ok, error),
    })
  }

  /** Runs the fleet until every process has ended. */
  async run(): Promise<Outcome> {
    while (!this.#isOver()) {
      const idleSince = this.#clock.now()
      const timeoutMs = Math.max(0, Math.min(this.#nextDeadline() - idleSince, TICK_MS))
      const event = await this.mailbox.receive(timeoutMs)
      this.#forgive(this.#clock.now() - idleSince, timeoutMs)
      if (event) this.#handle(event)
      this.#settle()
      this.#tick()
    }
    const { exitCode, reason } = this.stopping ?? { exitCode: EXIT.clean, reason: 'nothing is left to run' }
    return { exitCode, reason }
  }

  /** Begins to stop; later calls change nothing. */
  stop(exitCode: ExitCode, reason: string): void {
    if (this.stopping) return
    this.stopping = { exitCode, reason, forced: false }
    this.#tell({ event: 'launcher.stopping', reason })
    this.reload.cancel('the launcher stops')
  }

  /** Kills whatever is left. */
  kill(reason: string): void {
    this.stop(EXIT.clean, reason)
    if (this.stopping) this.stopping = { ...this.stopping, forced: true }
  }

  /** Asks for a rolling reload; `done` is called at the end of one that began after this request. */
  requestReload(done: (outcome: ReloadOutcome) => void = () => {}): void {
    if (this.stopping) return done({ ok: false, generation: this.generation, error: 'the launcher stops' })
    this.reload.request(done)
  }

  /**
   * Gives the service `workers` slots; those with the highest numbers go first.
   * @throws CodedError SCALE_INVALID
   */
  scale(service: Service, workers: number): void {
    if (!Number.isSafeInteger(workers) || workers < 1) {
      throw new CodedError('SCALE_INVALID', `Cannot scale "${service.spec.name}" as a service has at least 1 worker: ${workers}`)
    }
    if (this.stopping || service.ended || workers === staying(service).length) return
    growTo(service, workers, this.#clock.now())
    for (const slot of staying(service).slice(workers)) {
      slot.leaving = true
      this.#advanceAll(slot, { type: 'stop' })
      this.reload.advance({ type: 'slot gone', slot: keyOf(slot) })
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

  // --- what comes in ---------------------------------------------------------

  #handle(event: SupervisorEvent): void {
    if (event.type === 'call') return event.run(this)
    const { slot, seat, process } = event
    // Of a process before the present one: a message that came after its end.
    if (seat.process !== process) return
    if (event.event.type === 'exited') this.#onExit(slot, seat, event.event)
    else this.#onMessage(slot, seat, event.event)
  }

  #onMessage(slot: Slot, seat: Seat, { message }: Extract<ProcessEvent, { type: 'message' }>): void {
    switch (message.reeve) {
      case 'ready': return this.#onReady(slot, seat)
      case 'beat':
        seat.beat = { at: this.#clock.now(), loopDelayMs: message.loopDelayMs, rssBytes: message.rssBytes }
        return this.#advance(slot, seat, { type: 'beat' })
      case 'stopping':
        if (seat.life.state.name !== 'stopping') this.#tell({ event: 'worker.stopping', ...label(slot, seat) })
        return this.#advance(slot, seat, { type: 'stopping' })
      case 'extend':
        this.#ports.extended(message.ms)
        return this.#advance(slot, seat, { type: 'extend', ms: message.ms })
      case 'failed':
        this.#boots.lastFailure = message.message
        return
    }
  }

  #onReady(slot: Slot, seat: Seat): void {
    if (seat.life.state.name !== 'starting') return
    this.#advance(slot, seat, { type: 'ready' })
    this.#boots.everReady = true
    this.#tell({ event: 'worker.ready', ...label(slot, seat), generation: seat.generation, afterMs: Math.round(this.#clock.now() - seat.forkedAt) })
    if (seat === slot.successor) this.#promote(slot, seat)
  }

  #onExit(slot: Slot, seat: Seat, exit: Extract<ProcessEvent, { type: 'exited' }>): void {
    const before = seat.life.state
    const who = label(slot, seat)
    slot.lastExit = { code: exit.code, signal: exit.signal, at: new Date().toISOString() }
    seat.process = undefined
    seat.beat = undefined
    this.#advance(slot, seat, { type: 'exited', code: exit.code, signal: exit.signal })
    const after = seat.life.state
    this.#tell({
      event: 'worker.exited', ...who, code: exit.code, signal: exit.signal,
      expected: before.name === 'stopping' || before.name === 'killed' || exit.code === 0,
      restartInMs: after.name === 'waiting' && seat !== slot.successor ? Math.max(0, Math.round(after.startAt - this.#clock.now())) : null,
      ...(exit.error === undefined ? {} : { error: exit.error.message }),
    })
    if (isFailedBoot(before)) {
      const verdict = this.#boots.addFailure(exit.code)
      if (verdict) this.stop(verdict.exitCode, verdict.reason)
    }
    if (seat === slot.successor) this.#abandon(slot)
  }

  // --- reload ----------------------------------------------------------------

  #beginReload(): readonly string[] | { readonly error: string } {
    const specs = this.#ports.reconfigure()
    if ('error' in specs) return specs
    this.generation++
    this.#boots.lastFailure = ''
    for (const service of this.services) {
      const spec = specs.find(({ name }) => name === service.spec.name)
      if (!spec) continue
      const changed = spec.workers !== service.spec.workers
      service.spec = spec
      if (changed) this.scale(service, spec.workers)
    }
    const slots = this.services.flatMap(active)
    this.#tell({ event: 'reload.started', generation: this.generation, workers: slots.length })
    return slots.map(keyOf)
  }

  #startSuccessor(key: string): boolean {
    const slot = this.services.flatMap(active).find((candidate) => keyOf(candidate) === key)
    if (slot) slot.successor = newSeat(this.#clock.now())
    return slot !== undefined
  }

  /** The successor serves from now on; the process before it drains. */
  #promote(slot: Slot, successor: Seat): void {
    const old = slot.serving
    slot.serving = successor
    slot.successor = undefined
    slot.retiring = [...slot.retiring, old]
    this.#advance(slot, old, { type: 'stop' })
    this.reload.advance({ type: 'successor ready', slot: keyOf(slot) })
  }

  /** The successor did not become ready; it is not tried again. */
  #abandon(slot: Slot): void {
    slot.successor = undefined
    // The reload knows already that a slot is leaving; its number may be another slot's by now.
    if (!slot.leaving) this.reload.advance({ type: 'successor failed', slot: keyOf(slot) })
  }

  #finishReload(ok: boolean, error: string | undefined): ReloadOutcome {
    const outcome = { ok, generation: this.generation, ...(error === undefined ? {} : { error }) }
    this.#tell({ event: 'reload.finished', ...outcome })
    return outcome
  }

  // --- how it goes on --------------------------------------------------------

  /** Lets every child whose time has come go on. */
  #tick(): void {
    const now = this.#clock.now()
    for (const { slot, seat } of this.#seats()) {
      if (deadlineOf(seat.life.state) <= now) this.#advance(slot, seat, { type: 'tick' })
    }
  }

  /** Draws the conclusions from the states as they are now. */
  #settle(): void {
    for (const service of this.services) this.#settleService(service)
    const isDrained = this.services.every(({ slots }) => slots.every(({ retiring }) => retiring.length === 0))
    if (this.reload.state.name === 'draining' && isDrained) this.reload.advance({ type: 'old ones gone' })
    if (this.stopping) this.#settleStop(this.stopping.forced ? 'kill' : 'stop')
    const wanted = this.services.flatMap(active)
    const ready = wanted.filter(isReady).length
    if (!this.wasReady && !this.stopping && wanted.length > 0 && ready === wanted.length) {
      this.wasReady = true
      this.#ports.ready(ready)
    }
    this.#ports.progress(ready, wanted.length)
  }

  #settleService(service: Service): void {
    for (const slot of service.slots) slot.retiring = slot.retiring.filter((seat) => !isStopped(seat))
    service.slots = service.slots.filter((slot) => !slot.leaving || !seatsOf(slot).every(isStopped))
    if (service.ended || this.stopping || !service.slots.every((slot) => seatsOf(slot).every(isStopped))) return
    service.ended = true
    const { name, critical } = service.spec
    this.#tell({ event: 'service.ended', service: name, critical })
    if (!critical && this.services.some(({ ended }) => !ended)) return
    const failed = service.slots.some(({ lastExit }) => lastExit?.code !== 0)
    const failure = this.#boots.everReady ? EXIT.failure : EXIT.bootFailure
    this.stop(failed ? failure : EXIT.clean, `service "${name}" has ended${failed && this.#boots.lastFailure !== '' ? `: ${this.#boots.lastFailure}` : ''}`)
  }

  /** The services stop in the reverse of the order in which they started, each when the one after it has ended. */
  #settleStop(type: 'stop' | 'kill'): void {
    const left = this.services.filter((service) => !service.slots.every((slot) => seatsOf(slot).every(isStopped)))
    for (const service of type === 'kill' ? left : left.slice(-1)) {
      for (const slot of [...service.slots].reverse()) this.#advanceAll(slot, { type })
    }
  }

  #advanceAll(slot: Slot, event: ChildEvent): void {
    for (const seat of seatsOf(slot)) this.#advance(slot, seat, event)
  }

  /** One child goes one step on, and what follows from it is done. */
  #advance(slot: Slot, seat: Seat, event: ChildEvent): void {
    const now = this.#clock.now()
    const { child, effects } = step(seat.life, event, slot.service.spec.policy, now)
    const entered = child.state.name !== seat.life.state.name
    seat.life = child
    for (const effect of effects) this.#perform(slot, seat, effect, now)
    if (entered) seat.since = now
  }

  #perform(slot: Slot, seat: Seat, effect: Effect, now: number): void {
    switch (effect.do) {
      case 'fork': return this.#fork(slot, seat, now)
      case 'term': return seat.process?.terminate()
      case 'kill':
        if (effect.reason === 'hung') this.#tell({ event: 'worker.hung', ...label(slot, seat), lastBeatMs: Math.round(now - (seat.beat?.at ?? seat.since)) })
        this.#tell({ event: 'worker.killed', ...label(slot, seat), reason: effect.reason })
        if (this.stopping?.exitCode === EXIT.clean) this.stopping = { ...this.stopping, exitCode: EXIT.forced, reason: `${this.stopping.reason}; ${slot.service.spec.name}/${slot.workerId} had to be killed` }
        return seat.process?.kill()
      case 'count death':
        // A successor that dies ends its reload, and counts for nothing else.
        if (seat !== slot.successor) this.#countDeath(slot.service, now)
    }
  }

  #countDeath(service: Service, now: number): void {
    const { limit, critical, name } = service.spec
    const { deaths, allowed } = addDeath(service.deaths, now, limit)
    service.deaths = deaths
    if (allowed || this.stopping || !this.#boots.everReady) return
    const reason = `workers of "${name}" died ${deaths.length} times in ${limit.periodMs / 1000} s, and ${limit.intensity} are allowed`
    if (critical) return this.stop(EXIT.gaveUp, reason)
    for (const slot of service.slots) this.#advanceAll(slot, { type: 'stop' })
  }

  #fork(slot: Slot, seat: Seat, now: number): void {
    slot.forks++
    seat.generation = this.generation
    seat.forkedAt = now
    try {
      const process: WorkerProcess = this.#ports.fork(slot, seat, (event) => this.mailbox.send({ type: 'process', slot, seat, process, event }))
      seat.process = process
      this.#tell({ event: 'worker.starting', ...label(slot, seat), generation: seat.generation })
    } catch (error) {
      this.#onExit(slot, seat, { type: 'exited', code: null, signal: null, error: error as Error })
    }
  }

  /** Time in which the launcher was stopped or starved is taken off every worker's account: all since its last turn, for it heard nobody in it. */
  #forgive(awayMs: number, timeoutMs: number): void {
    if (awayMs - timeoutMs < STARVED_MS) return
    this.#tell({ event: 'launcher.starved', ms: Math.round(awayMs - timeoutMs) })
    for (const { seat } of this.#seats()) seat.life = { ...seat.life, state: postpone(seat.life.state, awayMs) }
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

  #tell(event: LauncherEvent): void {
    this.#ports.tell(event)
  }
}

/** A process in this state ended, and ought to have become ready. */
function isFailedBoot(state: ChildState): boolean {
  switch (state.name) {
    case 'starting': return true
    case 'stopping': return state.afterwards === 'count and restart'
    case 'killed': return state.reason === 'boot timeout'
    default: return false
  }
}

function label(slot: Slot, seat: Seat): { service: string; workerId: number; pid: number | undefined } {
  return { service: slot.service.spec.name, workerId: slot.workerId, pid: seat.process?.pid }
}

export type SupervisorEvent =
  | { readonly type: 'process'; readonly slot: Slot; readonly seat: Seat; readonly process: WorkerProcess; readonly event: ProcessEvent }
  /** Something from outside, a signal or a request, to be done in the loop. */
  | { readonly type: 'call'; readonly run: (supervisor: Supervisor) => void }

interface Stopping extends Outcome {
  readonly forced: boolean
}

/** The loop wakes at least so often, in ms: that shows time in which it was stopped or starved. */
const TICK_MS = 1_000
const STARVED_MS = 500
