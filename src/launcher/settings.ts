import os from 'node:os'
import path from 'node:path'
import { CodedError, messageOf } from '../base/errors.js'
import type { OptionGroups } from '../base/option.js'
import { systemRandom } from '../base/random.js'
import type { Config } from '../config/config.js'
import type { ConfigValues } from '../config/define-options.js'
import { invalidConfig } from '../config/errors.js'
import { groupNames, type RawConfig } from '../config/raw-config.js'
import { resolveConfig, type UnclaimedEntry } from '../config/resolve.js'
import { existingFiles, readSources, type FlagValue } from '../config/sources.js'
import { parseCoordinationUrl } from '../coordination/url.js'
import { availableCpus } from './available-cpus.js'
import type { ServiceSpec } from './fleet.js'
import { parseListenUrls, type ListenUrl } from './listen-url.js'
import { findModule } from './module-path.js'
import { launcherOptions, optionGroups, SERVICE_PREFIX, serviceOptions } from './options.js'

/** What the command line, or a program, asks for. */
export interface LaunchRequest {
  /** The service module; not given where the configuration names services in sections `[service:NAME]`. */
  readonly module: string | undefined
  /** The service's own arguments. */
  readonly args: readonly string[]
  /** Without any, the default files are read where they exist. */
  readonly files: readonly string[]
  readonly directories: readonly string[]
  readonly flags: readonly FlagValue[]
  readonly env: NodeJS.ProcessEnv
  /** One worker of each service, on sockets that nobody else uses, only until it is ready. */
  readonly canary?: boolean
}

/** Everything that the configuration says, checked. */
export interface Settings {
  readonly name: string
  readonly host: string
  /** As configured; undefined: the default. */
  readonly controlPath: string | undefined
  readonly pidFile: string | undefined
  readonly coordinationUrl: string
  readonly listen: readonly ListenUrl[]
  readonly services: readonly ServiceSpec[]
  readonly config: Config
  /** What no option of the launcher claims: for the service's own options, checked where its code runs. */
  readonly unclaimed: readonly UnclaimedEntry[]
}

/** The configuration alone: `groups` are those that the launcher knows. */
export interface LauncherConfig {
  readonly config: Config
  readonly groups: OptionGroups
  readonly unclaimed: readonly UnclaimedEntry[]
}

/**
 * Reads every file anew each time: at the start and at a reload.
 * @throws CodedError CONFIG_INVALID, CONFIG_SYNTAX, CONFIG_UNREADABLE
 */
export function readConfig(request: LaunchRequest): LauncherConfig {
  const raw = readRaw(request)
  const groups = optionGroups(groupNames(raw))
  return { ...resolveConfig(groups, raw), groups }
}

/**
 * Reads and checks the configuration, and finds the modules.
 * @throws CodedError the codes of `readConfig`; MODULE_MISSING, SERVICE_MISSING
 */
export function readSettings(request: LaunchRequest): Settings {
  const { config, groups, unclaimed } = readConfig(request)
  const defaults = defaultsOf(config)
  const sections = Object.keys(groups).filter((group) => group.startsWith(SERVICE_PREFIX))
  const shared = listenUrls(config, 'DEFAULT', defaults.listen)
  const services = request.module === undefined && sections.length > 0
    ? sections.map((section) => sectionSpec(section, config, shared))
    : [moduleSpec(request, defaults, shared)]
  rejectSameSocket(services, shared, config)
  const settings: Settings = {
    name: defaults.name ?? services[0]?.spec.name ?? 'launcher',
    host: defaults.host ?? os.hostname(),
    controlPath: defaults.controlPath,
    pidFile: defaults.pidFile,
    coordinationUrl: checkedCoordination(defaults.coordinationUrl, config),
    listen: [...shared, ...services.flatMap(({ own }) => own)],
    services: services.map(({ spec }) => spec),
    config,
    unclaimed,
  }
  return request.canary ? asCanary(settings) : settings
}

/** Nothing of it may meet a launcher that is running with the same configuration. */
function asCanary(settings: Settings): Settings {
  return {
    ...settings,
    controlPath: 'none',
    pidFile: undefined,
    listen: settings.listen.map(({ name }) => ({ name, kind: 'tcp', host: '127.0.0.1', port: 0 })),
    services: settings.services.map((spec) => ({ ...spec, workers: 1, policy: { ...spec.policy, restartType: 'temporary' } })),
  }
}

type Defaults = ReturnType<typeof defaultsOf>

function defaultsOf(config: Config): ConfigValues<{ DEFAULT: typeof launcherOptions }>['DEFAULT'] {
  return config.of({ DEFAULT: launcherOptions }).DEFAULT
}

interface Planned {
  readonly spec: ServiceSpec
  /** Sockets of this service alone. */
  readonly own: readonly ListenUrl[]
}

function readRaw(request: LaunchRequest): RawConfig {
  const { files, directories, flags, env } = request
  const name = flags.find(({ key }) => key === 'name')?.value ?? (request.module === undefined ? undefined : baseName(request.module))
  const usual = ['/etc/reeve/reeve.conf', ...(typeof name === 'string' ? [`/etc/reeve/${name}.conf`] : []), './reeve.conf']
  return readSources({ files: files.length > 0 ? files : existingFiles(usual), directories, env, flags })
}

function moduleSpec(request: LaunchRequest, defaults: Defaults, shared: readonly ListenUrl[]): Planned {
  if (request.module === undefined) {
    throw new CodedError('SERVICE_MISSING', 'Cannot run as there is no service: give the path of a module, or sections [service:NAME] in a configuration file')
  }
  const name = defaults.name ?? baseName(request.module)
  return { spec: makeSpec({ name, module: request.module, args: request.args, env: {}, cwd: undefined, critical: true }, defaults, shared), own: [] }
}

function sectionSpec(section: string, config: Config, shared: readonly ListenUrl[]): Planned {
  const defaults = defaultsOf(config)
  const service = config.of({ [section]: serviceOptions })[section]
  const name = section.slice(SERVICE_PREFIX.length)
  if (service?.module === undefined) throw new CodedError('SERVICE_MISSING', `Cannot run "${name}" as its section has no "module": [${section}]`)
  const sockets = listenUrls(config, section, service.listen)
  const spec = makeSpec({ name, module: service.module, args: service.args ?? [], env: parseEnv(config, section, service.env), cwd: service.cwd, critical: service.critical }, {
    ...defaults,
    workers: service.workers ?? defaults.workers,
    restartType: service.restartType ?? defaults.restartType,
  }, [...shared, ...sockets])
  return { spec, own: sockets }
}

/** Most launchers have the default, which needs no parser. */
function checkedCoordination(url: string, config: Config): string {
  try {
    if (url !== 'embedded:') parseCoordinationUrl(url)
    return url
  } catch (error) {
    throw invalidValue(config, 'DEFAULT', 'coordination_url', messageOf(error))
  }
}

function listenUrls(config: Config, group: string, values: readonly string[] = []): ListenUrl[] {
  try {
    return parseListenUrls(values)
  } catch (error) {
    throw invalidValue(config, group, 'listen', messageOf(error))
  }
}

/** A socket goes by its name: of two with the same one the second would never be opened. */
function rejectSameSocket(services: readonly Planned[], shared: readonly ListenUrl[], config: Config): void {
  const taken = new Set(shared.map(({ name }) => name))
  for (const { spec, own } of services) {
    for (const { name } of own) {
      if (taken.has(name)) throw invalidValue(config, `${SERVICE_PREFIX}${spec.name}`, 'listen', `another socket is called "${name}": give this one a name of its own, NAME=URL`)
      taken.add(name)
    }
  }
}

/** A value that obeys its type and still cannot be used, told as any other fault of the configuration. */
function invalidValue(config: Config, group: string, key: string, rule: string): CodedError {
  const where = config.entries().find((entry) => entry.group === group && entry.key === key)?.source ?? 'default'
  return invalidConfig([{ where, group, key, rule: `cannot be used: ${rule}` }])
}

type Named = Pick<ServiceSpec, 'name' | 'args' | 'env' | 'cwd' | 'critical'> & { readonly module: string }

function makeSpec({ module, ...named }: Named, defaults: Defaults, sockets: readonly ListenUrl[]): ServiceSpec {
  const workers = defaults.workers === 'auto' ? availableCpus() : Number(defaults.workers)
  return {
    ...named,
    modulePath: findModule(module),
    workers,
    imports: defaults.import ?? [],
    sockets: sockets.map(({ name }) => name),
    readyWhen: defaults.ready === 'listen' ? 'listen' : 'auto',
    heartbeatIntervalMs: defaults.heartbeatIntervalMs,
    keepAliveGraceMs: defaults.keepAliveGraceMs ?? null,
    maxConcurrent: defaults.maxConcurrent,
    nativeThreads: defaults.nativeThreads,
    loopDelayWarningMs: defaults.loopDelayWarningMs,
    policy: {
      restartType: defaults.restartType,
      bootTimeoutMs: defaults.bootTimeoutMs,
      hangTimeoutMs: defaults.hangTimeoutMs,
      minHealthyMs: defaults.minHealthyMs,
      gracefulShutdownTimeoutMs: defaults.gracefulShutdownTimeoutMs,
      backoffMaxMs: defaults.restartDelayMaxMs,
      random: systemRandom,
    },
    limit: { intensity: defaults.restartIntensity ?? 10 * workers, periodMs: defaults.restartPeriodMs },
  }
}

function parseEnv(config: Config, section: string, pairs: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(pairs.map((pair) => {
    const end = pair.indexOf('=')
    if (end > 0) return [pair.slice(0, end), pair.slice(end + 1)]
    throw invalidValue(config, section, 'env', `an entry is KEY=VALUE, not "${pair}"`)
  }))
}

/** `./src/api.mjs` → `api`. A name of a socket and a file is made of it: other letters become `_`. */
function baseName(module: string): string {
  return path.basename(module).replace(/\.[^.]+$/, '').replace(/[^A-Za-z0-9_.@-]/g, '_') || 'launcher'
}
