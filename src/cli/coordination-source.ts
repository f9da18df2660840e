import os from 'node:os'
import { callControl } from '../admin/control-client.js'
import { isRecord } from '../admin/protocol.js'
import { CodedError, codeOf, messageOf } from '../base/errors.js'
import { invalidConfig } from '../config/errors.js'
import { loadCoordination } from '../coordination/load.js'
import type { CoordinationStore } from '../coordination/store.js'
import { parseCoordinationUrl } from '../coordination/url.js'
import { launcherOptions } from '../launcher/options.js'
import { readConfig } from '../launcher/settings.js'
import { usageError } from './arguments.js'
import { whichControlPath, type WhichLauncher } from './which-launcher.js'

/** What operators read and do, wherever it is kept: in a store that is opened, or in a launcher that is asked. */
export type CoordinationSource = Pick<CoordinationStore, 'listResources' | 'readResource' | 'forceRelease' | 'listGroups' | 'readGroup' | 'mark' | 'close'>

export interface SourceRequest extends WhichLauncher {
  /** `--coordination URL`; undefined: as configured. */
  readonly url: string | undefined
  readonly files: readonly string[]
  readonly directories: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

/**
 * Opens the store of the URL. `embedded:` is in a launcher, which is asked through
 * its control socket; any other is opened from here, launcher or no launcher.
 *
 * @throws CodedError USAGE for a bad URL that was typed, CONFIG_INVALID for one that
 * is configured, CONTROL_UNREACHABLE, COORDINATION_UNAVAILABLE, COORDINATION_REFUSED
 */
export async function openSource(request: SourceRequest): Promise<CoordinationSource> {
  const { url, ...launcher } = request.url === undefined ? configured(request) : { ...request, url: typed(request.url) }
  if (isPrivate(url)) return askLauncher(whichControlPath(launcher, request.env))
  return await loadCoordination().openStoreAt(url, { memberId: `cli/${os.hostname()}/${process.pid}`, mayServe: false })
}

function typed(url: string): string {
  try {
    parseCoordinationUrl(url)
    return url
  } catch (error) {
    throw usageError(`Cannot use "--coordination" as it is refused: ${messageOf(error)}`)
  }
}

/** Read as `run` reads it. What the command line says of the launcher goes before what the configuration says. */
function configured(request: SourceRequest): WhichLauncher & { readonly url: string } {
  const flags = request.name === undefined ? [] : [{ group: 'DEFAULT', key: 'name', value: request.name, flag: '--name' }]
  const { files, directories, env } = request
  const { config } = readConfig({ module: undefined, args: [], files, directories, flags, env })
  const { coordinationUrl, controlPath, name } = config.of({ DEFAULT: launcherOptions }).DEFAULT
  try {
    parseCoordinationUrl(coordinationUrl)
  } catch (error) {
    const where = config.entries().find(({ group, key }) => group === 'DEFAULT' && key === 'coordination_url')?.source ?? 'default'
    throw invalidConfig([{ where, group: 'DEFAULT', key: 'coordination_url', rule: messageOf(error) }])
  }
  const named = request.controlPath !== undefined || request.name !== undefined
  return { url: coordinationUrl, controlPath: named ? request.controlPath : controlPath, name: request.name ?? name }
}

/** A launcher's own, which no other process can open. */
function isPrivate(url: string): boolean {
  const target = parseCoordinationUrl(url)
  return target.driver === 'embedded' && target.path === undefined
}

/** Over what a launcher takes to find that its store is away, in ms. */
const TIMEOUT_MS = 10_000

/** The same verbs over the control socket; see the method `coordination` there. */
function askLauncher(controlPath: string): CoordinationSource {
  const ask = async <T>(op: string, args: Readonly<Record<string, unknown>> = {}): Promise<T> => {
    const answer = await callControl(controlPath, 'coordination', { op, args }, { timeoutMs: TIMEOUT_MS }).catch(explain)
    return withFences(answer) as T
  }
  return {
    listResources: (kind) => ask('listResources', { kind }),
    readResource: async (name) => await ask('readResource', { name }) ?? undefined,
    forceRelease: (request) => ask('forceRelease', request),
    listGroups: () => ask('listGroups'),
    readGroup: (group) => ask('readGroup', { group }),
    mark: (request) => ask('mark', request),
    close: () => Promise.resolve(),
  }
}

/** A launcher without a control method of this name is older than this command. */
function explain(error: unknown): never {
  if (codeOf(error) !== 'CONTROL_UNKNOWN_METHOD') throw error
  throw new CodedError('CONTROL_UNKNOWN_METHOD', 'Cannot ask the launcher for its locks and groups as it is older than this command: reload does not replace it, a restart does', { cause: error })
}

/**
 * JSON has no bigint: the control socket gives fences as text. What members and
 * holders tell of themselves stays as it is, whatever its fields are called.
 */
function withFences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withFences)
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => {
    if (key === 'fence' && typeof each === 'string') return [key, BigInt(each)]
    return [key, key === 'holders' ? withFences(each) : each]
  }))
}
