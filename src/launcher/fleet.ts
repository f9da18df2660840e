import type { LastExit } from '../admin/status.js'
import { newChild, type Child, type ChildPolicy } from './child-state.js'
import type { SlotKey } from './reload-state.js'
import type { RestartLimit } from './restart-limit.js'
import type { WorkerProcess } from './worker-process.js'

/** What is to run, from the configuration. */
export interface ServiceSpec {
  readonly name: string
  readonly modulePath: string
  readonly workers: number
  readonly args: readonly string[]
  readonly imports: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string | undefined
  readonly sockets: readonly string[]
  /** When it ends for good, the launcher stops. */
  readonly critical: boolean
  readonly readyWhen: 'auto' | 'listen'
  readonly heartbeatIntervalMs: number
  readonly keepAliveGraceMs: number | null
  readonly maxConcurrent: number
  readonly nativeThreads: number
  readonly loopDelayWarningMs: number
  readonly policy: ChildPolicy
  readonly limit: RestartLimit
}

/** One place for a process within a slot. */
export interface Seat {
  life: Child
  process: WorkerProcess | undefined
  generation: number
  /** When its state began and when its process was forked, in `Clock.now()` ms. */
  since: number
  forkedAt: number
  beat: Beat | undefined
}

export interface Beat {
  readonly at: number
  readonly loopDelayMs: number
  readonly rssBytes: number
}

/** A numbered place of a service: the number stays when processes come and go. */
export interface Slot {
  readonly service: Service
  readonly workerId: number
  serving: Seat
  /** Being started by a reload, to take over from `serving`. */
  successor: Seat | undefined
  /** Replaced, and still answering their last requests. */
  retiring: readonly Seat[]
  /** The service is to have fewer slots: this one goes when it has drained. */
  leaving: boolean
  forks: number
  lastExit: LastExit | null
}

export interface Service {
  spec: ServiceSpec
  slots: Slot[]
  deaths: readonly number[]
  /** No process will be started any more. */
  ended: boolean
}

export function newService(spec: ServiceSpec, now: number): Service {
  const service: Service = { spec, slots: [], deaths: [], ended: false }
  growTo(service, spec.workers, now)
  return service
}

/** Adds slots with the lowest free numbers until there are `workers`. */
export function growTo(service: Service, workers: number, now: number): void {
  while (staying(service).length < workers) {
    const taken = new Set(staying(service).map((slot) => slot.workerId))
    let workerId = 0
    while (taken.has(workerId)) workerId++
    service.slots.push({ service, workerId, serving: newSeat(now), successor: undefined, retiring: [], leaving: false, forks: 0, lastExit: null })
  }
  service.slots.sort((a, b) => a.workerId - b.workerId)
}

export function newSeat(now: number): Seat {
  return { life: newChild(now), process: undefined, generation: 0, since: now, forkedAt: now, beat: undefined }
}

/** The slots that are meant to be there, in the order of their numbers. */
export function staying(service: Service): Slot[] {
  return service.slots.filter((slot) => !slot.leaving)
}

/** Those of them that have a process, or will have one: a slot that is done for good is not. */
export function active(service: Service): Slot[] {
  return service.ended ? [] : staying(service).filter((slot) => !isStopped(slot.serving))
}

export function seatsOf(slot: Slot): Seat[] {
  return [slot.serving, ...(slot.successor ? [slot.successor] : []), ...slot.retiring]
}

export function isReady(slot: Slot): boolean {
  return slot.serving.life.state.name === 'ready'
}

export function isStopped(seat: Seat): boolean {
  return seat.life.state.name === 'stopped'
}

export function keyOf(slot: Slot): SlotKey {
  return `${slot.service.spec.name}/${slot.workerId}`
}
