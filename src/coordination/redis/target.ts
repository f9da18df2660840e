import { COMMON_QUERIES, checkQueryNames, choiceOf, decode, readSettings, urlInvalid, type CoordinationSettings, type UrlParts } from '../url-parts.js'

export const REDIS_SCHEMES = ['redis', 'rediss', 'redis+sentinel', 'redis+cluster'] as const

/** Which Redis, as a URL says it. */
export interface RedisTarget {
  readonly driver: 'redis'
  readonly kind: 'standalone' | 'sentinel' | 'cluster'
  /** The URL without password and query, for people: `redis://reeve@h:6379/0`. */
  readonly url: string
  /** One for standalone; the sentinels; or some nodes of the Cluster. At least one. */
  readonly hosts: readonly [RedisHost, ...RedisHost[]]
  readonly username: string | undefined
  readonly password: string | undefined
  /** Always 0 in Cluster. */
  readonly db: number
  /** Of Sentinel. */
  readonly masterName: string | undefined
  readonly sentinelUsername: string | undefined
  readonly sentinelPassword: string | undefined
  /** Undefined: without TLS. */
  readonly tls: TlsFiles | undefined
  /** 0: whichever the name server gives first. */
  readonly family: 0 | 4 | 6
  readonly prefix: string
  readonly settings: CoordinationSettings
}

export interface RedisHost {
  readonly host: string
  readonly port: number
}

/** Paths of PEM files. Without `ca` the authorities that Node trusts; `cert` and `key` are this client's own. */
export interface TlsFiles {
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
}

interface RedisUrlParts extends UrlParts {
  readonly scheme: (typeof REDIS_SCHEMES)[number]
}

/** @throws CodedError COORDINATION_URL_INVALID */
export function readRedisTarget(parts: RedisUrlParts): RedisTarget {
  const kind = KINDS[parts.scheme]
  checkQueryNames(parts, kind === 'sentinel' ? [...REDIS_QUERIES, ...SENTINEL_QUERIES] : REDIS_QUERIES)
  const hosts = readHosts(parts, kind === 'sentinel' ? 26_379 : 6_379)
  if (kind === 'standalone' && hosts.length > 1) throw urlInvalid(parts.text, 'one Redis has one host (several: redis+sentinel:// or redis+cluster://)', parts.authority)
  const user = readUser(parts)
  const { masterName, db } = readPath(parts, kind)
  const family = choiceOf(parts, 'family', ['4', '6'])
  return {
    driver: 'redis',
    kind,
    url: describe(parts.scheme, { hosts, username: user?.username, masterName, db }),
    hosts,
    username: user?.username,
    password: user?.password,
    db,
    masterName,
    sentinelUsername: parts.query.get('sentinel_username'),
    sentinelPassword: parts.query.get('sentinel_password'),
    tls: readTls(parts),
    family: family === undefined ? 0 : family === '4' ? 4 : 6,
    prefix: readPrefix(parts),
    settings: readSettings(parts),
  }
}

const KINDS = { redis: 'standalone', rediss: 'standalone', 'redis+sentinel': 'sentinel', 'redis+cluster': 'cluster' } as const
const REDIS_QUERIES = [...COMMON_QUERIES, 'durability', 'prefix', 'tls', 'ca', 'cert', 'key', 'family']
const SENTINEL_QUERIES = ['sentinel_username', 'sentinel_password']

function readHosts(parts: UrlParts, defaultPort: number): readonly [RedisHost, ...RedisHost[]] {
  const texts = parts.authority?.split(',') ?? []
  const [first, ...others] = texts.map((text) => readHost(parts, text, defaultPort))
  if (!first) throw urlInvalid(parts.text, `it names a host: ${parts.scheme}://HOST:PORT`)
  return [first, ...others]
}

function readHost(parts: UrlParts, text: string, defaultPort: number): RedisHost {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::(.*))?$/i.exec(text)
  const host = match?.[1] ?? match?.[2]
  if (host === undefined) throw urlInvalid(parts.text, 'a host is a name, an IPv4 address or an IPv6 address in brackets', text === '' ? 'nothing' : text)
  const port = match?.[3]
  if (port === undefined) return { host, port: defaultPort }
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) throw urlInvalid(parts.text, 'a port is a whole number from 1 to 65535', port === '' ? 'nothing' : port)
  return { host, port: Number(port) }
}

function readUser(parts: UrlParts): { readonly username: string | undefined; readonly password: string } | undefined {
  if (parts.userinfo === undefined) return undefined
  const colon = parts.userinfo.indexOf(':')
  const password = colon < 0 ? '' : decode(parts, parts.userinfo.slice(colon + 1))
  if (password === '') throw urlInvalid(parts.text, 'a user comes with a password: USER:PASSWORD@ or :PASSWORD@')
  const username = decode(parts, parts.userinfo.slice(0, colon))
  return { username: username === '' ? undefined : username, password }
}

function readPath(parts: UrlParts, kind: RedisTarget['kind']): { readonly masterName: string | undefined; readonly db: number } {
  const segments = parts.path.split('/').slice(1).map((each) => decode(parts, each))
  if (segments.at(-1) === '') segments.pop()
  const masterName = kind === 'sentinel' ? segments.shift() : undefined
  if (kind === 'sentinel' && (masterName === undefined || masterName === '')) throw urlInvalid(parts.text, 'Sentinel is told the name of the master: redis+sentinel://H1:P1,H2:P2/MASTER')
  const [db = '0', ...more] = segments
  if (!/^\d{1,5}$/.test(db) || more.length > 0) throw urlInvalid(parts.text, 'a database is a whole number, the last part of the path', segments.join('/'))
  if (kind === 'cluster' && Number(db) !== 0) throw urlInvalid(parts.text, 'a Cluster has database 0 only', db)
  return { masterName, db: Number(db) }
}

function readTls(parts: RedisUrlParts): TlsFiles | undefined {
  const [ca, cert, key] = [parts.query.get('ca'), parts.query.get('cert'), parts.query.get('key')]
  const switched = choiceOf(parts, 'tls', ['yes', 'no'])
  const secure = parts.scheme === 'rediss'
  if (secure && switched === 'no') throw urlInvalid(parts.text, 'rediss:// is with TLS', 'tls=no')
  if (!secure && switched !== 'yes') {
    const file = ['ca', 'cert', 'key'].find((name) => parts.query.has(name))
    if (file !== undefined) throw urlInvalid(parts.text, 'ca, cert and key belong to TLS (rediss:// or tls=yes)', file)
    return undefined
  }
  if ((cert === undefined) !== (key === undefined)) throw urlInvalid(parts.text, 'cert and key come together', cert === undefined ? 'key' : 'cert')
  return { ca, cert, key }
}

/** Neither braces, which say what a Cluster hashes, nor what a pattern of SCAN or of an ACL would take for more than itself. */
function readPrefix(parts: UrlParts): string {
  const prefix = parts.query.get('prefix') ?? 'reeve'
  if (!/^[A-Za-z0-9_.:-]{1,64}$/.test(prefix)) throw urlInvalid(parts.text, 'a prefix is 1 to 64 of A-Z a-z 0-9 _ . : -', prefix === '' ? 'nothing' : prefix)
  return prefix
}

function describe(scheme: string, target: Pick<RedisTarget, 'hosts' | 'username' | 'masterName' | 'db'>): string {
  const user = target.username === undefined ? '' : `${encodeURIComponent(target.username)}@`
  const hosts = target.hosts.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',')
  const master = target.masterName === undefined ? '' : `/${encodeURIComponent(target.masterName)}`
  return `${scheme}://${user}${hosts}${master}${scheme === 'redis+cluster' ? '' : `/${target.db}`}`
}
