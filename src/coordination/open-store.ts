import { CodedError } from '../base/errors.js'
import type { CoordinatorOptions } from './contract.js'
import { ChannelStore } from './embedded/channel-client.js'
import { EmbeddedStore } from './embedded/embedded-store.js'
import type { Channel } from './embedded/channel.js'
import { openSharedStore } from './embedded/socket-client.js'
import { resolveCoordinatorOptions, type ResolvedCoordinatorOptions } from './options.js'
import type { CoordinationStore, StoreFeatures } from './store.js'
import { parseCoordinationUrl, type CoordinationTarget } from './url.js'

export interface OpenOptions extends CoordinatorOptions {
  /** Who opens it, for operators. */
  readonly memberId: string
  /** In a worker: the way to its launcher, which is the store of `embedded:`. */
  readonly channel?: Channel | undefined
  /** Of `embedded:/PATH.sock`: this process may become the one that serves it. Default: unless it is a worker. */
  readonly mayServe?: boolean
}

/**
 * Opens the store that `target`, or a URL, names. Drivers load when they are opened.
 * @throws CodedError COORDINATION_URL_INVALID, COORDINATION_UNAVAILABLE, COORDINATION_REFUSED, COORDINATION_UNSAFE
 */
export async function openStore(target: string | CoordinationTarget, options: OpenOptions): Promise<CoordinationStore> {
  const found = typeof target === 'string' ? parseCoordinationUrl(target) : target
  const resolved = resolveCoordinatorOptions(found, options)
  if (found.driver === 'redis') return await openRedisStore(found, options.memberId, resolved)
  if (resolved.durability === 'replica') throw new CodedError('COORDINATION_UNSAFE', `Cannot use "${found.url}" with durability "replica" as it is kept in one process`)
  const { channel, memberId, mayServe = channel === undefined } = options
  if (found.path !== undefined) return await openSharedStore(found.path, { log: resolved.log, clientName: memberId, maxTtlMs: resolved.maxTtlMs, commandTimeoutMs: resolved.commandTimeoutMs, mayServe })
  if (channel) return new ChannelStore(channel, { commandTimeoutMs: resolved.commandTimeoutMs, url: found.url })
  return ownStore().client(memberId)
}

/** What is known of a store before it is opened. */
export function featuresOf(target: CoordinationTarget): StoreFeatures {
  const isEmbedded = target.driver === 'embedded'
  return { driver: target.driver, boundToConnection: isEmbedded, acrossHosts: !isEmbedded, oneServer: target.driver === 'embedded' || target.kind !== 'cluster' }
}

async function openRedisStore(target: Extract<CoordinationTarget, { driver: 'redis' }>, memberId: string, options: ResolvedCoordinatorOptions): Promise<CoordinationStore> {
  const [{ openRedis }, { RedisStore }] = await Promise.all([import('./redis/connection.js'), import('./redis/redis-store.js')])
  return new RedisStore(await openRedis(target, { ...options, memberId }), { durability: options.durability })
}

const KEY = Symbol.for('reeve.embedded-store')

/** `embedded:` outside a launcher: one for all coordinators of this process, whatever copy of the package they come from. */
function ownStore(): EmbeddedStore {
  const known = Reflect.get(globalThis, KEY) as EmbeddedStore | undefined
  if (known) return known
  const made = new EmbeddedStore()
  Reflect.set(globalThis, KEY, made)
  return made
}
