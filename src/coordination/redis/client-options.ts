/**
 * How ioredis is set up so that it keeps its promises: a command is written once or
 * not at all, and nobody waits for a connection that is not there.
 *
 * Its defaults do the contrary: unfulfilled commands are sent again after a
 * reconnection (an INCR whose reply was lost counts twice), commands wait in offline
 * queues and run long after their caller has been told that they failed, and an
 * outage is reported after ten seconds. Each option is given here, so that neither
 * a changed default nor `Redis.defaultOptions` matters. Deadlines are ours
 * (deadline.ts), for the one of ioredis does not cover the queues of a Cluster.
 */
import { readFileSync } from 'node:fs'
import { Cluster, Redis, type ClusterOptions, type RedisOptions } from 'ioredis'
import { CodedError, messageOf } from '../../base/errors.js'
import type { Random } from '../../base/random.js'
import { MasterConnector, ServerConnector } from './connectors.js'
import type { RedisHost, RedisTarget, TlsFiles } from './target.js'

export type RedisClient = Redis | Cluster

export interface ClientSettings {
  /** `reeve:MEMBER`, as CLIENT LIST shows it. */
  readonly connectionName: string
  /** A connection on which a command waits for its reply for so long is dead, in ms. */
  readonly socketTimeoutMs: number
  readonly random: Random
}

/** A client of the whole target that reconnects for ever. It is not connected yet. */
export function createClient(target: RedisTarget, settings: ClientSettings): RedisClient {
  const retryStrategy = (attempt: number): number => reconnectDelayMs(attempt, settings.random)
  const options: RedisOptions = { ...safeOptions(target, settings), retryStrategy }
  if (target.kind === 'standalone') return new Redis({ ...options, ...target.hosts[0], db: target.db })
  if (target.kind === 'sentinel') return new Redis({ ...options, ...sentinelOptions(target, options), sentinelRetryStrategy: (attempt) => Math.min(retryStrategy(attempt), 500) })
  return new Cluster([...target.hosts], clusterOptions(target, settings, retryStrategy))
}

/** One connection for pub/sub, which is not tried again: its owner opens another one. `node`: of a Cluster, any of them. */
export function createSubscription(target: RedisTarget, settings: ClientSettings, node: RedisHost): Redis {
  const options: RedisOptions = { ...safeOptions(target, settings), retryStrategy: () => null }
  if (target.kind === 'sentinel') return new Redis({ ...options, ...sentinelOptions(target, options), sentinelRetryStrategy: () => null })
  return new Redis({ ...options, ...node, db: target.db })
}

/** One connection to a sentinel itself, for its messages. */
export function createSentinelSubscription(target: RedisTarget, settings: ClientSettings, sentinel: RedisHost): Redis {
  const options = safeOptions({ ...target, username: target.sentinelUsername, password: target.sentinelPassword }, settings)
  return new Redis({ ...options, ...sentinel, retryStrategy: () => null, enableReadyCheck: false })
}

/** 50 ms, then twice as much each time up to 2 s; half of it is chance, so that a fleet does not come back in one moment. */
export function reconnectDelayMs(attempt: number, random: Random): number {
  const longest = Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempt - 1, 10), LAST_RETRY_MS)
  return Math.round(longest * (0.5 + random() / 2))
}

const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 2_000

/** Closes a connection and awaits its end, for a second at most, so that nothing of it is left behind. */
export async function disconnect(connection: RedisClient): Promise<void> {
  if (connection.status === 'end') return
  // Between two attempts there is nothing to end, and ioredis emits nothing.
  const silent = connection.status === 'reconnecting'
  connection.disconnect()
  if (silent) return
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, END_TIMEOUT_MS)
    connection.once('end', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

const END_TIMEOUT_MS = 1_000

/** What CLIENT SETNAME takes: no spaces and nothing outside of ASCII. */
export function connectionNameOf(memberId: string): string {
  return `reeve:${memberId.replace(/[^!-~]/g, '_')}`
}

function safeOptions(target: RedisTarget, settings: ClientSettings): RedisOptions {
  return {
    ...LIBRARY_6_OPTIONS,
    Connector: ServerConnector as NonNullable<RedisOptions['Connector']>,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    enableAutoPipelining: false,
    keyPrefix: '',
    stringNumbers: false,
    enableReadyCheck: true,
    maxLoadingRetryTime: 500,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: 250,
    socketTimeout: settings.socketTimeoutMs,
    // Made explicit, for a deadline of ioredis would cut its own handshake with a slow server short.
    commandTimeout: undefined,
    keepAlive: 10_000,
    noDelay: true,
    family: target.family,
    connectionName: settings.connectionName,
    disableClientInfo: true,
    // 1 and not 2: the connection is closed, and the command is not sent again.
    reconnectOnError: (error) => error.message.startsWith('READONLY') ? 1 : false,
    ...(target.username !== undefined && { username: target.username }),
    ...(target.password !== undefined && { password: target.password }),
    ...(target.tls && { tls: readTlsFiles(target.tls) }),
  }
}

/** TCP and TLS of one attempt. */
const CONNECT_TIMEOUT_MS = 2_000

/** ioredis 6 speaks RESP3 unless it is told: replies would have other shapes. Version 5 does not know the option. */
const LIBRARY_6_OPTIONS: object = { protocol: 2 }

function sentinelOptions(target: RedisTarget, options: RedisOptions): RedisOptions {
  const login = sentinelLogin(target)
  return {
    Connector: MasterConnector as NonNullable<RedisOptions['Connector']>,
    sentinels: [...target.hosts],
    name: target.masterName ?? '',
    role: 'master',
    db: target.db,
    updateSentinels: true,
    // It leaves errors of its connections without a listener, which ioredis then prints; sentinel-watch.ts does its work.
    failoverDetector: false,
    sentinelCommandTimeout: CONNECT_TIMEOUT_MS,
    ...(login.username !== undefined && { sentinelUsername: login.username }),
    ...(login.password !== undefined && { sentinelPassword: login.password }),
    ...(options.tls && { enableTLSForSentinelMode: true, sentinelTLS: options.tls }),
  }
}

function sentinelLogin(target: RedisTarget): Pick<RedisOptions, 'username' | 'password'> {
  return {
    ...(target.sentinelUsername !== undefined && { username: target.sentinelUsername }),
    ...(target.sentinelPassword !== undefined && { password: target.sentinelPassword }),
  }
}

function clusterOptions(target: RedisTarget, settings: ClientSettings, clusterRetryStrategy: (attempt: number) => number): ClusterOptions {
  return {
    lazyConnect: true,
    enableOfflineQueue: false,
    enableReadyCheck: true,
    enableAutoPipelining: false,
    keyPrefix: '',
    scaleReads: 'master',
    clusterRetryStrategy,
    // A redirected command has not run. Whatever else went wrong, it is the caller who asks again.
    maxRedirections: 5,
    retryDelayOnMoved: 0,
    retryDelayOnTryAgain: 20,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    slotsRefreshInterval: 10_000,
    // A certificate is for a name: with TLS the name is kept, and not replaced by its address.
    ...(target.tls && { dnsLookup: (address: string, done: (error: null, address: string) => void) => { done(null, address) } }),
    redisOptions: safeOptions(target, settings),
  }
}

function readTlsFiles(files: TlsFiles): NonNullable<RedisOptions['tls']> {
  return {
    ...(files.ca !== undefined && { ca: readPem('ca', files.ca) }),
    ...(files.cert !== undefined && { cert: readPem('cert', files.cert) }),
    ...(files.key !== undefined && { key: readPem('key', files.key) }),
  }
}

function readPem(query: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new CodedError('COORDINATION_URL_INVALID', `Cannot read "${path}" as the ${query} of the coordination URL is a PEM file: ${messageOf(error)}`, { cause: error })
  }
}
