import { setTimeout as sleep } from 'node:timers/promises'
import { openRedis } from '#src/coordination/redis/connection.js'
import { RedisStore } from '#src/coordination/redis/redis-store.js'
import { parseCoordinationUrl } from '#src/coordination/url.js'
import { until } from '../../support/processes.js'
import { RedisServer } from '../../support/redis.js'
import { CLOCK_GRAIN_MS } from './embedded-drivers.js'
import type { Driver, OpenDriver } from './scene.js'

/** A new server grants nothing for so long. */
const QUARANTINE_MS = 250
/** Ahead of the server's own clock, by which the quarantine is over then. */
const AHEAD_MS = 3_600_000

/** Some servers that are one store. */
export interface Topology {
  readonly url: string
  stop(): Promise<void>
}

/** One server, whose own clock counts. */
export const redis: Driver = {
  name: 'redis',
  unavailable: () => RedisServer.available(),
  open: async () => {
    const server = await RedisServer.start()
    return openOver(server, {}, (ms) => sleep(ms + CLOCK_GRAIN_MS))
  },
}

/** The same rules on other servers, by a clock that the test moves. */
export function redisDriver(name: string, start: () => Promise<Topology>): Driver {
  return {
    name,
    unavailable: () => RedisServer.available(),
    open: async () => {
      let nowMs = Date.now() + AHEAD_MS
      return openOver(await start(), { now: () => nowMs * 1_000 }, async (ms) => { nowMs += ms })
    },
  }
}

async function openOver(topology: Topology, options: { readonly now?: () => number }, advance: OpenDriver['advance']): Promise<OpenDriver> {
  const [first, second] = await Promise.all([openStore(topology.url, 'first', options), openStore(topology.url, 'second', options)])
  await until('the quarantine is over', async () => (await first.status()).quarantinedMs === 0)
  return {
    first,
    second,
    openClient: () => openStore(topology.url, 'a further one', options),
    advance,
    close: async () => {
      await Promise.all([first.close(), second.close()])
      await topology.stop()
    },
  }
}

async function openStore(url: string, memberId: string, options: { readonly now?: () => number }): Promise<RedisStore> {
  const target = parseCoordinationUrl(url)
  if (target.driver !== 'redis') throw new TypeError(`no Redis: ${url}`)
  const port = await openRedis(target, { memberId, maxTtlMs: QUARANTINE_MS, commandTimeoutMs: 5_000, safety: 'efficient', durability: 'async' })
  return new RedisStore(port, options)
}
