import { Redis } from 'ioredis'

/** What a Redis says of itself, over a connection that is not among those which are measured. */
export class RedisStats implements AsyncDisposable {
  readonly redis: Redis

  constructor(url: string) {
    this.redis = new Redis(url)
  }

  /** Calls of each command since the server started, scripts' calls included, by its name in lower case. */
  async commandCalls(): Promise<ReadonlyMap<string, number>> {
    const text = await this.redis.info('commandstats')
    return new Map([...text.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name = '', calls]) => [name, Number(calls)]))
  }

  /** In bytes, connections and their buffers included: take differences. */
  async usedMemory(): Promise<number> {
    const used = /^used_memory:(\d+)/m.exec(await this.redis.info('memory'))?.[1]
    return Number(used)
  }

  /** Of all these keys, in bytes, whole; a key that is not there is 0. */
  async memoryOf(...keys: readonly string[]): Promise<number> {
    const sizes = await Promise.all(keys.map((key) => this.redis.memory('USAGE', key, 'SAMPLES', 0)))
    return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0)
  }

  /** Every command that clients, not scripts, send while `work` runs, as its words; this connection's own apart. */
  async requestsDuring(work: () => Promise<unknown>): Promise<readonly (readonly string[])[]> {
    const monitor = await this.redis.monitor()
    const seen: (readonly string[])[] = []
    monitor.on('monitor', (_time: string, words: readonly string[], source: string) => {
      if (source !== 'lua') seen.push(words)
    })
    try {
      await work()
      // Whatever was sent before this has been seen when this is.
      await this.redis.echo(END)
      while (!seen.some(([, word]) => word === END)) await this.redis.echo(END)
      return seen.filter(([name = '', word]) => word !== END && !IGNORED.has(name.toLowerCase()))
    } finally {
      monitor.disconnect()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.redis.disconnect()
  }
}

const END = 'reeve-bench-end'
/** Of connections being made and kept, which is not what is counted. */
const IGNORED: ReadonlySet<string> = new Set(['ping', 'info', 'client', 'hello', 'select', 'monitor'])

/** How often each of `names` was called between the two readings. */
export function callsBetween(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>, names: readonly string[]): number {
  return names.reduce((sum, name) => sum + (after.get(name) ?? 0) - (before.get(name) ?? 0), 0)
}
