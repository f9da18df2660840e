import { fileURLToPath } from 'node:url'
import type { LauncherStatus } from '../admin/status.js'
import { CodedError } from '../base/errors.js'
import { EXIT } from '../base/exit-code.js'
import type { OptionGroup } from '../base/option.js'
import type { ConfigValues } from '../config/define-options.js'
import { camelName } from '../config/names.js'
import type { OptionValue } from '../config/option-value.js'
import type { FlagValue } from '../config/sources.js'
import type { Launcher } from './launcher.js'
import { launcherOptions, SERVICE_PREFIX, serviceOptions } from './options.js'
import type { ReloadOutcome } from './rolling-reload.js'
import type { Supervisor } from './supervisor.js'

/** The launcher's options by their names in code: `{ workers: 8, gracefulShutdownTimeoutMs: 30_000 }`. */
export type LauncherOptions = InCode<typeof launcherOptions>

/** What a service may have of its own. */
export type ServiceOptions = InCode<typeof serviceOptions> & {
  /** Default: that of its module. */
  readonly name?: string
  /** What SIGHUP does: replace the workers. There is no other way yet. */
  readonly restartMethod?: 'reload'
}

type InCode<Group extends OptionGroup> = {
  readonly [Name in keyof ConfigValues<{ group: Group }>['group']]?: Name extends 'workers' ? number | 'auto' : ConfigValues<{ group: Group }>['group'][Name]
}

/**
 * A launcher within a program: what the command `launcher` runs. The program's
 * process becomes the parent; it must not do anything else that takes long.
 * Configuration files and variables count as they do for the command, and what
 * is given here wins over them.
 *
 *     const launcher = new ProcessLauncher({ listen: ['http=tcp://127.0.0.1:8080'] })
 *     launcher.launchService('./service.js', { workers: 8 })
 *     process.exit(await launcher.wait())
 */
export class ProcessLauncher {
  readonly #flags: FlagValue[]
  readonly #services: string[] = []
  #launcher: Promise<Launcher> | undefined
  #exitCode: Promise<number> | undefined

  constructor(options: LauncherOptions = {}) {
    this.#flags = flagsOf('DEFAULT', launcherOptions, options)
  }

  /**
   * Adds a service; it starts with `wait()`. Its name is that of its module unless
   * it is given.
   * @throws CodedError LAUNCHER_STARTED once `wait` was called; SERVICE_DUPLICATE; RESTART_METHOD_UNKNOWN
   */
  launchService(modulePath: string | URL, { name, restartMethod = 'reload', ...options }: ServiceOptions = {}): void {
    const module = modulePath instanceof URL ? fileURLToPath(modulePath) : modulePath
    const service = name ?? module.replace(/^.*[\\/]/, '').replace(/\.[^.]+$/, '')
    // From JavaScript it may be anything, and oslo.service has 'mutate'.
    if (restartMethod as string !== 'reload') throw new CodedError('RESTART_METHOD_UNKNOWN', `Cannot add the service "${service}" as the only restart method is reload: ${String(restartMethod)}`)
    if (this.#exitCode) throw new CodedError('LAUNCHER_STARTED', `Cannot add the service "${service}" as the launcher runs already: add every service before wait()`)
    if (this.#services.includes(service)) throw new CodedError('SERVICE_DUPLICATE', `Cannot add the service "${service}" as there is one of that name: give it a name of its own`)
    this.#services.push(service)
    this.#flags.push(...flagsOf(`${SERVICE_PREFIX}${service}`, serviceOptions, { ...options, module }))
  }

  /**
   * Runs until everything has ended and gives the exit code (see the README).
   * @throws CodedError when the configuration is wrong, a port is in use, …: nothing was forked
   */
  wait(): Promise<number> {
    this.#exitCode ??= this.#run()
    return this.#exitCode
  }

  /** Stops gracefully; `wait()` resolves when that is done. */
  async stop(): Promise<void> {
    await this.#inLoop((supervisor) => supervisor.stop(EXIT.clean, 'stop() was called'))
  }

  /** Replaces every worker, new ones first; resolves when that has succeeded or failed. */
  async reload(): Promise<ReloadOutcome> {
    return await this.#inLoop((supervisor) => new Promise((resolve) => { supervisor.requestReload(resolve) }))
  }

  /**
   * Gives a service, the first one by default, `workers` workers.
   * @throws CodedError SCALE_INVALID
   */
  async scale(workers: number, service = this.#services[0]): Promise<void> {
    await this.#inLoop((supervisor) => {
      const found = supervisor.services.find(({ spec }) => spec.name === service)
      if (!found) throw new CodedError('SCALE_INVALID', `Cannot scale "${service}" as there is no such service: ${this.#services.join(', ')}`)
      supervisor.scale(found, workers)
    })
  }

  /** What `launcher status --json` prints. */
  async status(): Promise<LauncherStatus> {
    return await (await this.#running()).status()
  }

  async #run(): Promise<number> {
    this.#launcher = import('./launcher.js').then(({ Launcher }) => {
      return new Launcher({ module: undefined, args: [], files: [], directories: [], flags: this.#flags, env: process.env })
    })
    return (await (await this.#launcher).run()).exitCode
  }

  async #inLoop<T>(work: (supervisor: Supervisor) => T | Promise<T>): Promise<T> {
    return await (await this.#running()).inLoop(work)
  }

  async #running(): Promise<Launcher> {
    if (!this.#launcher) throw new CodedError('LAUNCHER_NOT_STARTED', 'Cannot ask the launcher as it does not run: call wait() first')
    return await this.#launcher
  }
}

/**
 * Launches one service: `launch({ host: 'node7' }, './service.js', { workers: 8 })`, then `await launcher.wait()`.
 */
export function launch(options: LauncherOptions, modulePath: string | URL, service: ServiceOptions = {}): ProcessLauncher {
  const launcher = new ProcessLauncher(options)
  launcher.launchService(modulePath, service)
  return launcher
}

/** Options in code as a source of configuration, in the place of the command line. */
function flagsOf(group: string, definitions: OptionGroup, options: Readonly<Record<string, OptionValue | undefined>>): FlagValue[] {
  const known = new Map(Object.entries(definitions).map(([key, definition]) => [camelName(key, definition), { key, definition }]))
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined) return []
    const { key, definition } = known.get(name) ?? { key: name, definition: undefined }
    return [{ group, key, value: definition?.type === 'duration' ? `${String(value)}ms` : typeof value === 'number' ? String(value) : value, flag: name }]
  })
}
