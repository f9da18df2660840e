import type { LauncherStatus, WorkerStatus } from '../admin/status.js'
import { active, isReady, seatsOf, type Seat, type Slot } from './fleet.js'
import type { OwnedSocket } from './owned-sockets.js'
import type { Supervisor } from './supervisor.js'

/** The state of everything, as `launcher status` shows it. */
export function statusOf(supervisor: Supervisor, facts: { readonly name: string; readonly sockets: readonly OwnedSocket[]; readonly now: number }): LauncherStatus {
  const wanted = supervisor.services.flatMap(active)
  return {
    name: facts.name,
    pid: process.pid,
    state: stateOf(supervisor),
    generation: supervisor.generation,
    workersWanted: wanted.length,
    workersReady: wanted.filter(isReady).length,
    sockets: facts.sockets.map(({ name, url }) => ({ name, url })),
    workers: supervisor.services.flatMap(({ slots }) => slots).flatMap((slot) => seatsOf(slot).map((seat) => workerStatus(slot, seat, facts.now))),
  }
}

function stateOf(supervisor: Supervisor): LauncherStatus['state'] {
  if (supervisor.stopping) return 'stopping'
  if (supervisor.reload.state.name !== 'idle') return 'reloading'
  return supervisor.wasReady ? 'running' : 'starting'
}

function workerStatus(slot: Slot, seat: Seat, now: number): WorkerStatus {
  return {
    service: slot.service.spec.name,
    workerId: slot.workerId,
    pid: seat.process?.pid ?? null,
    generation: seat.generation,
    state: seat.life.state.name,
    sinceMs: Math.round(now - seat.since),
    restarts: Math.max(0, slot.forks - 1),
    lastExit: slot.lastExit,
    rssBytes: seat.beat?.rssBytes ?? null,
    loopDelayMs: seat.beat?.loopDelayMs ?? null,
    lastBeatMs: seat.beat === undefined ? null : Math.round(now - seat.beat.at),
  }
}
