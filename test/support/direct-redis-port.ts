import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Redis, type RedisOptions } from 'ioredis'
import type { Epoch, RedisPort, RedisScript } from '#src/coordination/redis/port.js'

/** The least that is a RedisPort: one connection for commands, one for subscriptions, and an epoch that the test sets. */
export class DirectRedisPort implements RedisPort {
  readonly kind: RedisPort['kind']
  readonly prefix = 'reeve'
  readonly wakeChannel = `reeve:wake:${process.hrtime.bigint()}`
  epoch: Epoch | undefined = { value: 'run 0 0', until: 0 }
  /** What the next `verifyEpoch()` finds. */
  verified: Epoch = { value: 'run 0 0', until: 0 }
  /** What WAIT would answer. */
  replicas = 0
  /** Scripts that were sent, by their names. */
  readonly sent: string[] = []
  readonly redis: Redis
  readonly #subscriber: Redis
  readonly #loaded = new WeakMap<RedisScript, { readonly sha: string; readonly text: string }>()
  readonly #listeners = new Map<string, Set<(message: string) => void>>()

  constructor(redis: Redis, subscriber: Redis, kind: RedisPort['kind']) {
    this.redis = redis
    this.#subscriber = subscriber
    this.kind = kind
    subscriber.on('message', (channel: string, message: string) => this.#listeners.get(channel)?.forEach((listener) => listener(message)))
  }

  /** Connects. `kind: 'cluster'` against a single node shows what a Cluster is sent. */
  static async connect(port: number, kind: RedisPort['kind'] = 'standalone'): Promise<DirectRedisPort> {
    const options: RedisOptions = { port, host: '127.0.0.1', maxRetriesPerRequest: 0, enableOfflineQueue: false, retryStrategy: () => null }
    const connections = [new Redis(options), new Redis(options)] as const
    await Promise.all(connections.map((connection) => once(connection, 'ready')))
    const direct = new DirectRedisPort(...connections, kind)
    if (kind === 'cluster') direct.epoch = direct.verified = { value: '', until: 0 }
    else await direct.redis.set('reeve:epoch', direct.verified.value)
    return direct
  }

  async verifyEpoch(): Promise<void> {
    this.epoch = this.verified
  }

  run(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    this.sent.push(script.name)
    return this.#evaluate(script, [...keys, ...args], keys.length)
  }

  async runDurably(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): Promise<{ readonly reply: unknown; readonly replicas: number }> {
    return { reply: await this.run(script, keys, args), replicas: this.replicas }
  }

  command(name: string, ...args: readonly (string | number)[]): Promise<unknown> {
    return this.redis.call(name, ...args)
  }

  async commands(commands: readonly (readonly [name: string, ...args: readonly (string | number)[]])[]): Promise<readonly unknown[]> {
    return Promise.all(commands.map((command) => this.command(...command)))
  }

  async scan(pattern: string): Promise<readonly string[]> {
    const found = new Set<string>()
    for await (const keys of this.redis.scanStream({ match: pattern, count: 1_000 })) for (const key of keys as string[]) found.add(key)
    return [...found]
  }

  async subscribe(channel: string, listener: (message: string) => void): Promise<() => void> {
    const listeners = this.#listeners.get(channel) ?? new Set()
    this.#listeners.set(channel, listeners.add(listener))
    await this.#subscriber.subscribe(channel)
    return () => { listeners.delete(listener) }
  }

  onGap(): () => void {
    return () => undefined
  }

  status(): ReturnType<RedisPort['status']> {
    return { connected: this.redis.status === 'ready', url: `redis://127.0.0.1:${this.redis.options.port ?? 0}/0`, warnings: [] }
  }

  async close(): Promise<void> {
    const open = [this.redis, this.#subscriber].filter(({ status }) => status !== 'end')
    await Promise.all(open.map(async (connection) => {
      const ended = once(connection, 'end')
      connection.disconnect()
      await ended
    }))
  }

  async #evaluate(script: RedisScript, parts: (string | number)[], keyCount: number): Promise<unknown> {
    const { sha, text } = this.#textOf(script)
    try {
      return await this.redis.evalsha(sha, keyCount, ...parts)
    } catch (error) {
      if (!String(error).includes('NOSCRIPT')) throw error
      return this.redis.eval(text, keyCount, ...parts)
    }
  }

  #textOf(script: RedisScript): { readonly sha: string; readonly text: string } {
    const known = this.#loaded.get(script)
    if (known) return known
    const flags = script.flags.length > 0 ? ` flags=${script.flags.join(',')}` : ''
    const text = `#!lua${flags}\n${script.lua}`
    const loaded = { sha: createHash('sha1').update(text).digest('hex'), text }
    this.#loaded.set(script, loaded)
    return loaded
  }
}
