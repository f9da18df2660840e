import type { Config } from '../config/config.js'
import { loadCoordination, type WorkerCoordinator } from '../coordination/load.js'
import type { StartMessage } from '../ipc/messages.js'
import type { Logger } from '../log/logger.js'
import { Timers } from '../loop/timers.js'
import { TaskPool } from '../queue/task-pool.js'
import type { ServiceContext } from '../service/contract.js'
import type { Activity } from './activity.js'
import { InheritedSocket } from './inherited-socket.js'
import type { Tasks } from './tasks.js'

/** What a context is made of, beside the start message. */
export interface ContextParts {
  readonly config: Config
  readonly log: Logger
  readonly tasks: Tasks
  readonly activity: Activity
  /** Aborts when stopping begins. */
  readonly signal: AbortSignal
  extendTimeout(ms: number): void
}

/** The context of a service, with its timers, once it has asked for any. */
export interface MadeContext {
  readonly context: ServiceContext
  readonly timers: () => Timers | undefined
  /** Undefined when the service has never asked for it. */
  readonly coordinator: () => WorkerCoordinator | undefined
  readonly pool: () => TaskPool | undefined
}

/** What costs something to make is made when it is first used. */
export function makeContext(start: StartMessage, parts: ContextParts): MadeContext {
  let timers: Timers | undefined
  let coordinator: WorkerCoordinator | undefined
  let pool: TaskPool | undefined
  const { name, host, workerId, workers, generation } = start
  const { config, log, tasks, activity, signal, extendTimeout } = parts
  const context: ServiceContext = {
    name, host, workerId, workers, generation, config, log, signal, extendTimeout,
    sockets: Object.freeze(Object.fromEntries(start.sockets.map((socket) => [socket.name, new InheritedSocket(socket)]))),
    get timers() {
      timers ??= new Timers({ signal, log, observe: (timer) => activity.begin(`timer ${timer}`) })
      return timers
    },
    get coordinator() {
      coordinator ??= loadCoordination().createCoordinator({
        url: start.coordinationUrl, memberId: `${host}/${name}/${workerId}`, options: { host, about: { worker: `${name}/${workerId}` }, log },
      })
      return coordinator
    },
    get pool() {
      pool ??= new TaskPool({ size: start.maxConcurrent, name: 'the pool of the worker' })
      return pool
    },
    track: (taskName, work, options) => tasks.track(taskName, work, options),
  }
  return { context, timers: () => timers, coordinator: () => coordinator, pool: () => pool }
}
