import { snapshotOf } from '../config/config.js'
import type { ConfigHandoff } from '../config/handoff.js'
import type { LauncherCoordination } from './coordination.js'
import { staying, type Seat, type Slot } from './fleet.js'
import type { OwnedSocket } from './owned-sockets.js'
import type { Settings } from './settings.js'
import { FIRST_INHERITED_FD, WorkerProcess, type ProcessEvent } from './worker-process.js'

/** What a launcher has for its workers. */
export interface Provisions {
  readonly settings: Settings
  readonly sockets: readonly OwnedSocket[]
  readonly coordination: LauncherCoordination
}

/**
 * Forks the process of one seat with what the settings say about its service.
 * It inherits the sockets of its service, and those that systemd passed and no
 * service names.
 */
export function forkWorker(slot: Slot, seat: Seat, { settings, sockets, coordination }: Provisions, onEvent: (event: ProcessEvent) => void): WorkerProcess {
  const { service, workerId } = slot
  const { spec } = service
  const named = new Set(settings.services.flatMap((other) => other.sockets))
  const inherited = sockets.filter(({ name }) => spec.sockets.includes(name) || !named.has(name))
  const hooks = coordination.forWorker(spec.heartbeatIntervalMs)
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
      maxConcurrent: spec.maxConcurrent,
      nativeThreads: spec.nativeThreads,
      loopDelayWarningMs: spec.loopDelayWarningMs,
      coordinationUrl: settings.coordinationUrl,
      leaseRegisterFd: hooks.registerFd === undefined ? null : FIRST_INHERITED_FD + inherited.length,
      config: { snapshot: snapshotOf(settings.config), unclaimed: settings.unclaimed, isOnlyService: settings.services.length === 1 } satisfies ConfigHandoff,
    },
    hooks,
    args: spec.args,
    imports: spec.imports,
    cwd: spec.cwd,
    env: spec.env,
    fds: [...inherited.map(({ fd }) => fd), ...(hooks.registerFd === undefined ? [] : [hooks.registerFd])],
  }, onEvent)
}
