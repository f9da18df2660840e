import { RedisServer } from './redis.js'
import { TcpProxy } from './tcp-proxy.js'

/** A Redis whose users come through a proxy, for faults of both the server and the network. */
export class ProxiedRedis {
  readonly server: RedisServer
  readonly proxy: TcpProxy
  #stopped: Promise<unknown> | undefined

  /** Use `start`. */
  constructor(server: RedisServer, proxy: TcpProxy) {
    this.server = server
    this.proxy = proxy
  }

  /** `args` and `env`: as of `RedisServer.start`. */
  static async start(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<ProxiedRedis> {
    const server = await RedisServer.start(args, env)
    return new ProxiedRedis(server, await TcpProxy.start(server.port))
  }

  /** Through the proxy. */
  get url(): string {
    return `redis://127.0.0.1:${this.proxy.port}`
  }

  /** Twice is once. */
  async stop(): Promise<void> {
    this.#stopped ??= Promise.all([this.proxy.stop(), this.server.stop()])
    await this.#stopped
  }
}
