import { setMaxListeners } from 'node:events'
import { systemClock } from '../base/clock.js'
import { codeOf, hasCode, messageOf } from '../base/errors.js'
import { EXIT, type ExitCode } from '../base/exit-code.js'
import type { StartMessage } from '../ipc/messages.js'
import type { RootLogger } from '../log/create-logger.js'
import type { Service } from '../service/contract.js'
import { condemnedThreads } from '../tpool/condemned.js'
import { setDefaultThreads } from '../tpool/default-threads.js'
import { Activity } from './activity.js'
import { startBeat } from './beat.js'
import { makeContext, type MadeContext } from './context.js'
import { Drain } from './drain.js'
import { loadModule, type LoadedModule } from './load-service.js'
import type { Servers } from './servers.js'
import { openSettings, type Settings } from './settings.js'
import { Tasks } from './tasks.js'
import { tell } from './tell.js'

/** Where this worker is in its life. */
type State =
  | { readonly name: 'booting'; readonly booted: Promise<Service | undefined> }
  | { readonly name: 'running'; readonly service: Service | undefined }
  | { readonly name: 'stopping' }

/** The child's side: loads the service, runs it, tells the launcher, drains. */
export class Worker {
  readonly #start: StartMessage
  readonly #servers: Servers
  readonly #activity = new Activity()
  readonly #tasks = new Tasks(systemClock, this.#activity)
  readonly #stopping = new AbortController()
  readonly #settings: Settings
  #state: State = { name: 'booting', booted: Promise.resolve(undefined) }
  #made: MadeContext | undefined
  #drain: Drain | undefined
  #isScript = false

  constructor(start: StartMessage, servers: Servers) {
    this.#start = start
    this.#servers = servers
    this.#settings = openSettings(start)
    setDefaultThreads(start.nativeThreads)
    // Everything that waits listens to it.
    setMaxListeners(0, this.#stopping.signal)
    // An unhandled rejection comes here too, as Node's default is to throw it.
    process.on('uncaughtException', (error, origin) => this.#die(error, origin))
    if (start.dieWithParent) void import('../base/native.js').then(({ loadNative }) => loadNative()?.dieWithParent())
  }

  get #log(): RootLogger {
    return this.#settings.log
  }

  /** Ends with a worker that is ready, or with the process. */
  async boot(): Promise<void> {
    const booted = this.#boot()
    this.#state = { name: 'booting', booted: booted.catch(() => undefined) }
    try {
      const service = await booted
      if (this.#stopping.signal.aborted) return
      this.#state = { name: 'running', service }
      startBeat({ intervalMs: this.#start.heartbeatIntervalMs, send: tell, onLate: (ms, since) => this.#onLateLoop(ms, since) })
      tell({ reeve: 'ready' })
    } catch (error) {
      if (this.#stopping.signal.aborted) return
      this.#log.error(`worker ${this.#start.workerId} could not start: ${messageOf(error)}`, { event: 'worker.failed', error })
      tell({ reeve: 'failed', message: messageOf(error) }, codeOf(error) === 'CONFIG_INVALID' ? EXIT.configuration : EXIT.bootFailure)
    }
  }

  async #boot(): Promise<Service | undefined> {
    const { modulePath } = this.#start
    process.argv[1] = modulePath
    const saysReady = hearReady()
    const module = await loadModule(modulePath)
    await this.#settings.claim(module.kind === 'service' ? module.options : undefined)
    this.#isScript = module.kind === 'script'
    if (module.kind === 'script') return await Promise.race([this.#scriptReady(), saysReady])
    return await this.#startService(module)
  }

  async #startService(module: Extract<LoadedModule, { kind: 'service' }>): Promise<Service> {
    this.#made = makeContext(this.#start, {
      config: this.#settings.config,
      log: this.#log,
      tasks: this.#tasks,
      activity: this.#activity,
      signal: this.#stopping.signal,
      extendTimeout: (ms) => {
        tell({ reeve: 'extend', ms })
        this.#drain?.extend(ms)
      },
    })
    const service = await module.make(this.#made.context)
    await service.start()
    // Its predecessor stops when this one is ready: by then it must be in the queue for what it wants to take over.
    await this.#settleCoordinator()
    return service
  }

  /** A program is ready at its first listening server; if none was told to listen, shortly after it was evaluated. */
  async #scriptReady(): Promise<undefined> {
    if (this.#start.readyWhen === 'auto' && !this.#servers.any) await Promise.race([this.#servers.listening(), systemClock.sleep(SCRIPT_READY_MS)])
    if (this.#start.readyWhen === 'listen' || this.#servers.any) await this.#servers.listening()
  }

  /** Drains and ends the process. Called again, it changes nothing. */
  async stop(): Promise<void> {
    const state = this.#state
    if (state.name === 'stopping') return
    this.#state = { name: 'stopping' }
    tell({ reeve: 'stopping' })
    this.#made?.coordinator()?.handOver()
    this.#stopping.abort()
    // A start owes nobody an answer yet: it is told by the signal, and not waited for long.
    const service = state.name === 'running' ? state.service : await Promise.race([state.booted, systemClock.sleep(ABANDON_START_MS)])
    this.#drain = this.#makeDrain(service)
    const clean = await this.#drain.run()
    // Not before: what still ran may have needed what it held.
    await this.#stopCoordinator()
    // A program with a SIGTERM listener of its own ends when that says so, or when it has nothing left to do.
    if (this.#isScript && process.listenerCount('SIGTERM') > 1) process.channel?.unref()
    else leave(clean ? EXIT.clean : EXIT.failure)
  }

  #makeDrain(service: Service | void): Drain {
    return new Drain({
      servers: this.#servers,
      tasks: this.#tasks,
      pool: this.#made?.pool(),
      timers: this.#made?.timers(),
      log: this.#log,
      stopService: service?.stop && (() => service.stop?.()),
      keepAliveGraceMs: this.#start.keepAliveGraceMs,
      timeoutMs: this.#start.gracefulShutdownTimeoutMs,
    })
  }

  /** A store that is away is waited for by what needs it, not by the worker. */
  async #settleCoordinator(): Promise<void> {
    try {
      await this.#made?.coordinator()?.settled()
    } catch (error) {
      if (!hasCode(error, 'COORDINATION_UNAVAILABLE')) throw error
      this.#log.warn(`coordination is not there yet: ${messageOf(error)}`, { event: 'worker.coordination_unavailable', error })
    }
  }

  async #stopCoordinator(): Promise<void> {
    try {
      await this.#made?.coordinator()?.stop()
    } catch (error) {
      this.#log.warn(`leases and groups were not given back: ${messageOf(error)}`, { event: 'worker.coordination_not_stopped', error })
    }
  }

  reopenLogs(): void {
    this.#log.reopen()
  }

  /** What ran may be what was busy; what did not run was not. */
  #onLateLoop(ms: number, since: number): void {
    const { loopDelayWarningMs } = this.#start
    if (loopDelayWarningMs === 0 || ms < loopDelayWarningMs) return
    const ran = this.#activity.since(since)
    this.#log.warn(`the event loop was busy for ${Math.round(ms)} ms${ran.length === 0 ? '' : `; ran meanwhile: ${ran.join(', ')}`}`, { event: 'worker.loop_late', ms, ran })
  }

  /** What nobody caught ends this worker, and this worker only. A program that listens for it itself is left to do so. */
  #die(error: unknown, origin: NodeJS.UncaughtExceptionOrigin): void {
    if (this.#isScript && process.listenerCount('uncaughtException') > 1) return
    const what = origin === 'unhandledRejection' ? 'unhandled rejection' : 'uncaught exception'
    this.#log.error(`worker ${this.#start.workerId} ends by an ${what}: ${messageOf(error)}`, { event: 'worker.uncaught', error })
    tell({ reeve: 'failed', message: messageOf(error) }, this.#state.name === 'booting' ? EXIT.bootFailure : EXIT.failure)
  }
}

/** Node waits for each of its threads when it exits; one in a native call that does not end would keep it for ever. */
function leave(exitCode: ExitCode): void {
  if (condemnedThreads() > 0) process.kill(process.pid, 'SIGKILL')
  process.exit(exitCode)
}

/** After its module was evaluated, a program that listens to nothing is ready in so many ms. */
const SCRIPT_READY_MS = 500
const ABANDON_START_MS = 2_000

/** Resolves when the program says that it is ready, as PM2's wait_ready wants it: `process.send('ready')`. */
function hearReady(): Promise<undefined> {
  const { send } = process
  return new Promise((resolve) => {
    const hearing = (...args: Parameters<NonNullable<typeof send>>): boolean => {
      if (args[0] === 'ready') resolve(undefined)
      return send?.apply(process, args) ?? false
    }
    if (send) process.send = hearing as typeof send
  })
}
