import { CodedError } from '../base/errors.js'
import { nearestName } from '../base/nearest.js'
import { parseDuration } from '../base/units.js'

/**
 * The grammar that all coordination URLs share: `SCHEME:[//[USER:PASSWORD@]HOSTS][/PATH][?QUERY]`.
 * Not WHATWG's: that one knows no lists of hosts with ports. What the parts mean
 * is decided by the driver.
 */
export interface UrlParts {
  /** As it was given. It may hold a password: for messages there is `redactUrl`. */
  readonly text: string
  readonly scheme: string
  /** `USER:PASSWORD`, still encoded. */
  readonly userinfo: string | undefined
  /** What is between `//` and the path; undefined without `//`. */
  readonly authority: string | undefined
  /** With its first slash; empty when there is none. */
  readonly path: string
  readonly query: ReadonlyMap<string, string>
}

/** What any driver takes in the query. */
export interface CoordinationSettings {
  readonly ttlMs?: number
  readonly maxTtlMs?: number
  readonly commandTimeoutMs?: number
  readonly safety?: 'efficient' | 'strict'
  readonly durability?: 'async' | 'replica'
}

/** @throws CodedError COORDINATION_URL_INVALID */
export function splitUrl(text: string): UrlParts {
  const match = /^([a-z][a-z0-9+.-]*):(.*)$/is.exec(text)
  const [scheme, rest] = [match?.[1], match?.[2]]
  if (scheme === undefined || rest === undefined) throw urlInvalid(text, 'it begins with a scheme, such as redis://')
  const queryAt = rest.indexOf('?')
  const [body, query] = queryAt < 0 ? [rest, ''] : [rest.slice(0, queryAt), rest.slice(queryAt + 1)]
  // It may be the end of a password, which no message about the query must repeat.
  if (query.includes('@')) throw urlInvalid(text, 'a ? or @ in a password is written %3F or %40')
  return { text, scheme: scheme.toLowerCase(), ...splitBody(body), query: readQuery(text, query) }
}

/** The URL without its passwords, whether it is a good one or not. */
export function redactUrl(text: string): string {
  return text
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)(.*)@/is, (_all, scheme: string, userinfo: string) => {
      const colon = userinfo.indexOf(':')
      return colon < 0 ? `${scheme}***@` : `${scheme}${userinfo.slice(0, colon)}:***@`
    })
    .replace(/(password=)[^&]*/gi, '$1***')
}

/** `rule` reads on from *as*; `value` must hold no secret. */
export function urlInvalid(text: string, rule: string, value?: string | number): CodedError {
  const url = redactUrl(text)
  const shown = value === undefined || value === '' ? '' : `: ${value}`
  return new CodedError('COORDINATION_URL_INVALID', `Cannot use the coordination URL "${url}" as ${rule}${shown}`, { details: { url } })
}

/** @throws CodedError COORDINATION_URL_INVALID when the query has a name that is not among `known` */
export function checkQueryNames(parts: UrlParts, known: readonly string[]): void {
  for (const name of parts.query.keys()) {
    if (known.includes(name)) continue
    const near = nearestName(name, known)
    throw urlInvalid(parts.text, `it takes ${known.join(', ')}${near === undefined ? '' : ` (did you mean ${near}?)`}`, name)
  }
}

/** Names of the settings that every driver takes. */
export const COMMON_QUERIES = ['ttl', 'max_ttl', 'command_timeout', 'safety'] as const

/** @throws CodedError COORDINATION_URL_INVALID */
export function readSettings(parts: UrlParts): CoordinationSettings {
  const ttlMs = durationOf(parts, 'ttl', MIN_TTL_MS, MAX_TTL_MS)
  const maxTtlMs = durationOf(parts, 'max_ttl', MIN_TTL_MS, MAX_TTL_MS)
  const commandTimeoutMs = durationOf(parts, 'command_timeout', 1, MAX_COMMAND_TIMEOUT_MS)
  const safety = choiceOf(parts, 'safety', ['efficient', 'strict'])
  const durability = choiceOf(parts, 'durability', ['async', 'replica'])
  if (ttlMs !== undefined && maxTtlMs !== undefined && ttlMs > maxTtlMs) throw urlInvalid(parts.text, 'ttl is at most max_ttl', parts.query.get('ttl'))
  return {
    ...(ttlMs !== undefined && { ttlMs }),
    ...(maxTtlMs !== undefined && { maxTtlMs }),
    ...(commandTimeoutMs !== undefined && { commandTimeoutMs }),
    ...(safety !== undefined && { safety }),
    ...(durability !== undefined && { durability }),
  }
}

/** One of `choices`, or undefined when it is not given. @throws CodedError COORDINATION_URL_INVALID */
export function choiceOf<Choice extends string>(parts: UrlParts, name: string, choices: readonly Choice[]): Choice | undefined {
  const value = parts.query.get(name)
  if (value === undefined) return undefined
  const choice = choices.find((each) => each === value)
  if (choice === undefined) throw urlInvalid(parts.text, `${name} is ${choices.join(' or ')}`, value)
  return choice
}

/** @throws CodedError COORDINATION_URL_INVALID when `text` has a broken `%XX` */
export function decode(parts: UrlParts, text: string): string {
  return decodeText(parts.text, text)
}

function splitBody(body: string): Pick<UrlParts, 'userinfo' | 'authority' | 'path'> {
  if (!body.startsWith('//')) return { userinfo: undefined, authority: undefined, path: body }
  const at = body.lastIndexOf('@')
  const userinfo = at < 0 ? undefined : body.slice(2, at)
  const place = body.slice(at < 0 ? 2 : at + 1)
  const slash = place.indexOf('/')
  return slash < 0 ? { userinfo, authority: place, path: '' } : { userinfo, authority: place.slice(0, slash), path: place.slice(slash) }
}

function readQuery(url: string, text: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>()
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decodeText(url, equals < 0 ? pair : pair.slice(0, equals))
    if (query.has(name)) throw urlInvalid(url, 'a query is given once', name)
    query.set(name, equals < 0 ? '' : decodeText(url, pair.slice(equals + 1)))
  }
  return query
}

function decodeText(url: string, text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw urlInvalid(url, 'a % is followed by two hexadecimal digits (%25 is a % itself)')
  }
}

function durationOf(parts: UrlParts, name: string, minMs: number, maxMs: number): number | undefined {
  const value = parts.query.get(name)
  if (value === undefined) return undefined
  const ms = parseDuration(value)
  if (ms === undefined) throw urlInvalid(parts.text, `${name} is a duration, such as 500ms, 5s or 2m`, value === '' ? 'nothing' : value)
  if (ms < minMs || ms > maxMs) throw urlInvalid(parts.text, `${name} is ${minMs} to ${maxMs} ms`, value)
  return ms
}

const MIN_TTL_MS = 250
const MAX_TTL_MS = 3_600_000
const MAX_COMMAND_TIMEOUT_MS = 60_000
