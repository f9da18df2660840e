import { CodedError } from '../../base/errors.js'
import type { Redis } from 'ioredis'

/** What a server tells of itself. A managed one may hide any of it: then it is undefined, and the warnings say what that costs. */
export interface ServerFacts {
  /** Another one after each start of the process. */
  readonly runId: string | undefined
  readonly version: string | undefined
  readonly uptimeMs: number | undefined
  readonly role: 'master' | 'slave' | undefined
  /** It was a replica before and may lack what its master had acknowledged. */
  readonly promoted: boolean
  /** FLUSHALL or FLUSHDB since its start. */
  readonly flushed: boolean
  /** Every write is on its disk before it is acknowledged (`appendfsync always`). */
  readonly writesThrough: boolean
  readonly evictionPolicy: string | undefined
  /** Writes are refused while no replica follows closely (`min-replicas-to-write` of 1 or more). */
  readonly needsReplicas: boolean
}

/** Asks one server. Only a lost connection is an error; what it forbids counts as not known. */
export async function readServerFacts(node: Redis): Promise<ServerFacts> {
  const [info, commands, appendfsync] = await Promise.all([
    allowed(node.info()),
    allowed(node.info('commandstats')),
    allowed(node.config('GET', 'appendfsync')),
  ])
  return toServerFacts(parseInfo(`${textOf(info)}\r\n${textOf(commands)}`), Array.isArray(appendfsync) ? String(appendfsync[1]) : undefined)
}

/** `field:value` lines; the last of a name wins. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1))
  }
  return fields
}

export function toServerFacts(info: ReadonlyMap<string, string>, appendfsync: string | undefined): ServerFacts {
  const uptime = info.get('uptime_in_seconds')
  const role = info.get('role')
  return {
    runId: info.get('run_id'),
    version: info.get('redis_version'),
    uptimeMs: uptime === undefined ? undefined : Number(uptime) * 1_000,
    role: role === 'master' || role === 'slave' ? role : undefined,
    promoted: (info.get('second_repl_offset') ?? '-1') !== '-1',
    flushed: info.has('cmdstat_flushall') || info.has('cmdstat_flushdb'),
    writesThrough: info.get('aof_enabled') === '1' && appendfsync === 'always',
    evictionPolicy: info.get('maxmemory_policy'),
    // The server tells this number only while min-replicas-to-write is set.
    needsReplicas: info.has('min_slaves_good_slaves'),
  }
}

/** What an operator should know of this server. */
export function warningsOf(facts: ServerFacts, url: string): readonly string[] {
  const warnings: string[] = []
  if (evicts(facts)) warnings.push(`maxmemory-policy of ${url} is ${facts.evictionPolicy}: leases may be evicted, and a lock be held twice; set it to noeviction`)
  if (facts.runId === undefined) warnings.push(`${url} does not tell its run_id (INFO): after a restart or a failover that forgot leases nothing is quarantined`)
  return warnings
}

export function evicts(facts: ServerFacts): boolean {
  return facts.evictionPolicy !== undefined && facts.evictionPolicy !== 'noeviction'
}

/** @throws CodedError COORDINATION_REFUSED */
export function checkVersion(facts: ServerFacts, url: string): void {
  if (facts.version === undefined || isAtLeast(facts.version, 6, 2)) return
  throw new CodedError('COORDINATION_REFUSED', `Cannot use "${url}" as Redis is 6.2 or later: ${facts.version}`, { details: { url, version: facts.version } })
}

/** Whether the server reads the `#!lua` line of a script. One whose version is not known may not. */
export function knowsScriptFlags(facts: ServerFacts): boolean {
  return facts.version !== undefined && isAtLeast(facts.version, 7, 0)
}

function isAtLeast(version: string, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number)
  return ownMajor > major || (ownMajor === major && ownMinor >= minor)
}

/** Undefined where the server says no. */
async function allowed(reply: Promise<unknown>): Promise<unknown> {
  try {
    return await reply
  } catch (error) {
    if (error instanceof Error && error.name === 'ReplyError' && !/^(?:LOADING|NOAUTH)/.test(error.message)) return undefined
    throw error
  }
}

function textOf(reply: unknown): string {
  return typeof reply === 'string' ? reply : ''
}
