import { nearestName } from '../base/nearest.js'
import { REDIS_SCHEMES, readRedisTarget, type RedisTarget } from './redis/target.js'
import { COMMON_QUERIES, checkQueryNames, decode, readSettings, splitUrl, urlInvalid, type CoordinationSettings, type UrlParts } from './url-parts.js'

export { redactUrl } from './url-parts.js'

/** What a coordination URL says, told apart by `driver`. */
export type CoordinationTarget = EmbeddedTarget | RedisTarget

export interface EmbeddedTarget {
  readonly driver: 'embedded'
  /** The URL, for people. */
  readonly url: string
  /** The socket that the processes of a host share; undefined: private to one launcher. */
  readonly path: string | undefined
  readonly settings: CoordinationSettings
}

/**
 * Reads a coordination URL.
 *
 * `embedded:` · `embedded:/run/reeve/coordination.sock` · `redis://[USER:PASSWORD@]HOST[:PORT][/DB]` ·
 * `rediss://…` · `redis+sentinel://[USER:PASSWORD@]H1:P1,H2:P2/MASTER[/DB]` · `redis+cluster://H1:P1,H2:P2`.
 * In user and password, characters other than letters and digits are safest as `%XX`.
 *
 * @throws CodedError COORDINATION_URL_INVALID; its message never holds a password
 */
export function parseCoordinationUrl(text: string): CoordinationTarget {
  const parts = splitUrl(text)
  if (parts.scheme === 'embedded') return readEmbeddedTarget(parts)
  const scheme = REDIS_SCHEMES.find((each) => each === parts.scheme)
  if (scheme !== undefined) return readRedisTarget({ ...parts, scheme })
  const known = ['embedded', ...REDIS_SCHEMES]
  if (LATER.includes(parts.scheme)) throw urlInvalid(text, `this driver comes later and there are ${known.join(', ')}`, parts.scheme)
  const near = nearestName(parts.scheme, known)
  throw urlInvalid(text, `the drivers are ${known.join(', ')}${near === undefined ? '' : ` (did you mean ${near}?)`}`, parts.scheme)
}

const LATER: readonly string[] = ['redis+quorum', 'etcd']

function readEmbeddedTarget(parts: UrlParts): EmbeddedTarget {
  if (parts.authority !== undefined && parts.authority !== '') throw urlInvalid(parts.text, 'embedded: has no host, only the path of a socket', parts.authority)
  checkQueryNames(parts, COMMON_QUERIES)
  const path = decode(parts, parts.path)
  if (path !== '' && (!path.startsWith('/') || path.endsWith('/'))) throw urlInvalid(parts.text, 'the path of a socket is absolute: embedded:/run/x.sock', path)
  return { driver: 'embedded', url: `embedded:${path}`, path: path === '' ? undefined : path, settings: readSettings(parts) }
}
