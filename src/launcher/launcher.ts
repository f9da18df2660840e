import { setImmediate as nextTurn } from 'node:timers/promises'
import { defaultControlPath, ensureControlDirectory } from '../admin/control-path.js'
import { serveControl } from '../admin/control-server.js'
import type { LauncherStatus } from '../admin/status.js'
import { systemClock } from '../base/clock.js'
import { messageOf } from '../base/errors.js'
import { EXIT } from '../base/exit-code.js'
import { diffConfigs } from '../config/config.js'
import { createLogger, type RootLogger } from '../log/create-logger.js'
import { logOptions } from '../log/options.js'
import { LauncherCoordination } from './coordination.js'
import { levelOf, textOf, type LauncherEvent } from './events.js'
import { forkWorker } from './fork-worker.js'
import { Notifier } from './notify.js'
import { openSockets, type OwnedSocket } from './owned-sockets.js'
import { takePidFile } from './pid-file.js'
import { requestHandler } from './requests.js'
import { readSettings, type LaunchRequest, type Settings } from './settings.js'
import { hasTerminal, InterruptCounter, listenForSignals, type LauncherSignal } from './signals.js'
import { statusOf } from './status.js'
import type { Outcome, SupervisorPorts } from './supervisor-ports.js'
import { Supervisor } from './supervisor.js'

/**
 * A launcher from its configuration to its end. Everything that can be refused
 * is refused before anything is forked: configuration, sockets, pid file,
 * control socket, in this order. It is given back in the reverse order.
 */
export class Launcher {
  readonly #request: LaunchRequest
  readonly #log: RootLogger
  readonly #notifier: Notifier
  readonly #supervisor: Supervisor
  readonly #coordination: LauncherCoordination
  readonly #interrupts = new InterruptCounter()
  readonly #hadTerminal = hasTerminal()
  #settings: Settings
  #sockets: readonly OwnedSocket[] = []
  #socketsOpen = false
  #controlPath: string | null = null
  readonly #logsJson: boolean
  #progress = ''

  /** @throws CodedError what `readSettings` throws: the configuration is checked here */
  constructor(request: LaunchRequest) {
    this.#request = request
    this.#settings = readSettings(request)
    const { config, name, services } = this.#settings
    const logSettings = config.of(logOptions).log
    this.#logsJson = logSettings.format === 'json'
    this.#log = createLogger({ ...logSettings, fields: { service: name, pid: process.pid }, transport: 'ring' })
    this.#notifier = new Notifier(process.env, (error) => this.#tell({ event: 'launcher.notify_failed', error: messageOf(error) }))
    this.#coordination = new LauncherCoordination({ url: this.#settings.coordinationUrl, host: this.#settings.host, name, log: this.#log })
    this.#supervisor = new Supervisor(services, this.#ports())
  }

  /**
   * Runs until every worker has ended.
   * @throws CodedError LISTEN_FAILED, PID_FILE_IN_USE, CONTROL_IN_USE, …: nothing was forked
   */
  async run(): Promise<Outcome> {
    const undo: (() => void | Promise<void>)[] = []
    const { promise: stopped, resolve } = withResolvers<Outcome>()
    try {
      undo.push(listenForSignals((signal) => this.#onSignal(signal)))
      this.#sockets = await openSockets(this.#settings.listen, process.env)
      this.#socketsOpen = true
      undo.push(() => this.#closeSockets(), () => this.#coordination.stop())
      for (const { name, url } of this.#sockets) this.#tell({ event: 'launcher.listening', socket: name, url })
      if (this.#settings.pidFile !== undefined) {
        const pidFile = takePidFile(this.#settings.pidFile)
        undo.push(() => pidFile.remove())
      }
      undo.push(await this.#serveControl(stopped))
      const outcome = await this.#supervisor.run()
      this.#tell({ event: 'launcher.stopped', ...outcome })
      resolve(outcome)
      // Whoever waits for the end by the control socket gets the answer before it closes.
      await nextTurn()
      return outcome
    } finally {
      for (const giveBack of undo.reverse()) await giveBack()
      await this.#notifier.flush()
      await this.#log.flush(FLUSH_MS)
      this.#log.close()
    }
  }

  /** Does `work` in the supervisor's loop, where alone the fleet may be changed. */
  inLoop<T>(work: (supervisor: Supervisor) => T | Promise<T>): Promise<T> {
    const { promise, resolve, reject } = withResolvers<T>()
    const run = (supervisor: Supervisor): void => {
      try {
        resolve(work(supervisor))
      } catch (error) {
        reject(error)
      }
    }
    this.#supervisor.mailbox.send({ type: 'call', run })
    return promise
  }

  /** What `launcher status --json` prints. */
  async status(): Promise<LauncherStatus> {
    const [status, coordination] = await Promise.all([this.inLoop((supervisor) => this.#status(supervisor)), this.#coordination.status()])
    return coordination ? { ...status, coordination } : status
  }

  #onSignal(signal: LauncherSignal): void {
    const now = systemClock.now()
    void this.inLoop((supervisor) => this.#obey(signal, supervisor, now))
  }

  #obey(signal: LauncherSignal, supervisor: Supervisor, now: number): void {
    if (signal !== 'SIGWINCH') this.#tell({ event: 'launcher.signal', signal })
    const [first] = supervisor.services
    switch (signal) {
      case 'SIGTERM': return supervisor.stop(EXIT.clean, signal)
      case 'SIGINT': {
        const press = this.#interrupts.press(now)
        return press === 'again' ? supervisor.kill('a second SIGINT') : supervisor.stop(EXIT.clean, signal)
      }
      case 'SIGQUIT': return supervisor.kill(signal)
      case 'SIGHUP': return this.#hadTerminal && !hasTerminal() ? supervisor.stop(EXIT.clean, 'the terminal is gone') : supervisor.requestReload()
      case 'SIGUSR1':
        this.#log.reopen()
        return supervisor.broadcast({ reeve: 'reopen-logs' })
      case 'SIGUSR2': return this.#tell({ event: 'launcher.report', status: this.#status(supervisor) })
      case 'SIGTTIN': return first && supervisor.scaleBy(first, 1)
      case 'SIGTTOU': return first && supervisor.scaleBy(first, -1)
      case 'SIGWINCH': return
    }
  }

  #ports(): SupervisorPorts {
    return {
      clock: systemClock,
      fork: (slot, seat, onEvent) => forkWorker(slot, seat, { settings: this.#settings, sockets: this.#sockets, coordination: this.#coordination }, onEvent),
      reconfigure: () => this.#reconfigure(),
      tell: (event) => this.#tell(event),
      ready: (workers) => {
        if (this.#request.canary) return this.#supervisor.stop(EXIT.clean, 'the canary is ready')
        this.#notifier.ready()
        this.#tell({ event: 'launcher.ready', workers, control: this.#controlPath })
      },
      progress: (ready, wanted) => {
        const progress = `${ready}/${wanted} workers ready${this.#supervisor.stopping ? ', stopping' : ''}`
        if (progress !== this.#progress) this.#notifier.status(progress)
        this.#progress = progress
      },
      extended: (ms) => this.#notifier.extendTimeout(ms),
    }
  }

  /** The settings as they are written now, if they are valid; else nothing changes. */
  #reconfigure(): ReturnType<SupervisorPorts['reconfigure']> {
    try {
      const settings = readSettings(this.#request)
      const kept = diffConfigs(this.#settings.config, settings.config).filter(({ key }) => NEEDS_RESTART.has(key)).map(({ key }) => key)
      if (kept.length > 0) this.#tell({ event: 'launcher.config_kept', keys: kept })
      this.#settings = settings
      this.#log.setLevel(settings.config.of(logOptions).log.level)
      return settings.services
    } catch (error) {
      this.#tell({ event: 'launcher.config_rejected', error: messageOf(error) })
      return { error: messageOf(error) }
    }
  }

  async #serveControl(stopped: Promise<Outcome>): Promise<() => Promise<void>> {
    const { controlPath, name } = this.#settings
    if (controlPath === 'none') return () => Promise.resolve()
    const path = controlPath ?? defaultControlPath(process.env, name)
    ensureControlDirectory(path)
    const server = await serveControl(path, requestHandler({
      inLoop: (work) => this.inLoop(work),
      status: () => this.status(),
      onSignal: (signal) => this.#onSignal(signal),
      coordination: this.#coordination,
      stopped,
    }))
    this.#controlPath = path
    return () => server.close()
  }

  /**
   * Done when the stop begins: a connection that nobody will take is refused at
   * once, not reset when the drain has ended. Workers hold the sockets themselves
   * for as long as they serve.
   */
  #closeSockets(): void {
    if (!this.#socketsOpen) return
    this.#socketsOpen = false
    for (const socket of this.#sockets) socket.close()
  }

  #status(supervisor: Supervisor): LauncherStatus {
    return statusOf(supervisor, { name: this.#settings.name, sockets: this.#sockets, now: systemClock.now() })
  }

  #tell(event: LauncherEvent): void {
    if (event.event === 'launcher.stopping') {
      this.#notifier.stopping()
      this.#closeSockets()
    }
    if (event.event === 'reload.started') this.#notifier.reloading()
    if (event.event === 'reload.finished') this.#notifier.ready()
    // The text says all that the fields say: for people once is enough.
    this.#log[levelOf(event)](textOf(event), this.#logsJson ? event : undefined)
  }
}

/** How long the log's reader is waited for at the end, in ms. */
const FLUSH_MS = 2_000

/** Keys that are read once. */
const NEEDS_RESTART: ReadonlySet<string> = new Set(['name', 'host', 'listen', 'control_path', 'coordination_url', 'pid_file'])

/** `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T | Promise<T>) => void; reject: (error: unknown) => void } {
  let resolve: (value: T | Promise<T>) => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
