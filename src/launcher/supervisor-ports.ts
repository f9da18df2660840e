import type { Clock } from '../base/clock.js'
import type { ExitCode } from '../base/exit-code.js'
import type { LauncherEvent } from './events.js'
import type { Seat, ServiceSpec, Slot } from './fleet.js'
import type { ProcessEvent, WorkerProcess } from './worker-process.js'

/** What the supervisor needs of the world around it. */
export interface SupervisorPorts {
  readonly clock: Clock
  fork(slot: Slot, seat: Seat, onEvent: (event: ProcessEvent) => void): WorkerProcess
  /** Reads the configuration anew, for a reload: the services as they are to be from now on. */
  reconfigure(): readonly ServiceSpec[] | { readonly error: string }
  tell(event: LauncherEvent): void
  /** Called once, when every worker is ready for the first time. */
  ready(workers: number): void
  /** Called after each event, changed or not. */
  progress(ready: number, wanted: number): void
  /** A worker asked for more time, in ms. */
  extended(ms: number): void
}

/** How a launcher ended. */
export interface Outcome {
  readonly exitCode: ExitCode
  readonly reason: string
}
