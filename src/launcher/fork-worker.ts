import { snapshotOf } from '../config/config.js'
import type { ConfigHandoff } from '../config/handoff.js'
import { staying, type Seat, type Slot } from './fleet.js'
import type { OwnedSocket } from './owned-sockets.js'
import type { Settings } from './settings.js'
import { FIRST_INHERITED_FD, WorkerProcess, type ProcessEvent } from './worker-process.js'

/** Forks the process of one seat with what the settings say about its service. */
export function forkWorker(slot: Slot, seat: Seat, settings: Settings, sockets: readonly OwnedSocket[], onEvent: (event: ProcessEvent) => void): WorkerProcess {
  const { service, workerId } = slot
  const { spec } = service
  const inherited = sockets.filter(({ name }) => spec.sockets.includes(name))
  return new WorkerProcess({
    start: {
      name: spec.name,
      host: settings.host,
      workerId,
      workers: staying(service).length,
      generation: seat.generation,
      modulePath: spec.modulePath,
      readyWhen: spec.readyWhen,
      sockets: inherited.map(({ name, url }, index) => ({ name, url, fd: FIRST_INHERITED_FD + index })),
      heartbeatIntervalMs: spec.heartbeatIntervalMs,
      gracefulShutdownTimeoutMs: spec.policy.gracefulShutdownTimeoutMs,
      keepAliveGraceMs: spec.keepAliveGraceMs,
      config: { snapshot: snapshotOf(settings.config), unclaimed: settings.unclaimed } satisfies ConfigHandoff,
    },
    args: spec.args,
    imports: spec.imports,
    cwd: spec.cwd,
    env: spec.env,
    fds: inherited.map(({ fd }) => fd),
  }, onEvent)
}
