import { RedisServer } from '../../support/redis.js'
import { openLockClient, REEVE_ALONE } from './lock-client.js'
import { RedisStats } from './redis-stats.js'

/** A Redis of the benchmark's own, without persistence, that grants leases by now. */
export class BenchRedis implements AsyncDisposable {
  readonly server: RedisServer
  readonly stats: RedisStats
  readonly #maxTtlMs: number

  /** Use `start`. */
  constructor(server: RedisServer, maxTtlMs: number) {
    this.server = server
    this.stats = new RedisStats(server.url)
    this.#maxTtlMs = maxTtlMs
  }

  /**
   * Undefined, with a line that says why, when there is no Redis here.
   *
   * A server that has just started may have forgotten leases of up to `maxTtlMs`, so
   * Reeve waits for so long before the first; here that is over. `quick` makes it 3 s
   * instead of the default, 15.
   */
  static async start(benchmark: string, quick: boolean): Promise<BenchRedis | undefined> {
    const missing = await RedisServer.available()
    if (missing !== undefined) {
      console.log(`NOT RUN: ${benchmark}, as ${missing}`)
      return undefined
    }
    const redis = new BenchRedis(await RedisServer.start(), quick ? 3_000 : 15_000)
    const client = await openLockClient(REEVE_ALONE, redis.reeveUrl)
    const release = await client.acquire('bench-warm-up')
    await release()
    await client.close()
    return redis
  }

  /** For any client. */
  get url(): string {
    return this.server.url
  }

  /** For Reeve. */
  get reeveUrl(): string {
    return `${this.server.url}?max_ttl=${this.#maxTtlMs}ms`
  }

  urlFor(contender: string): string {
    return contender.startsWith('reeve') ? this.reeveUrl : this.url
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stats[Symbol.asyncDispose]()
    await this.server.stop()
  }
}
