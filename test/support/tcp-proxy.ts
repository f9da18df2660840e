import { once } from 'node:events'
import net from 'node:net'
import type { AddressInfo } from 'node:net'

/**
 * A port of its own in front of another one of 127.0.0.1, which can do to its
 * connections what networks do. A mode counts for what arrives from then on, over
 * old connections too; bytes that were swallowed never arrive.
 */
export class TcpProxy {
  /** Where clients connect to. */
  readonly port: number
  readonly #server: net.Server
  readonly #pairs = new Set<Pair>()
  #target: number
  #mode: Mode = { name: 'pass' }

  /** Use `start`. */
  constructor(server: net.Server, target: number) {
    this.#server = server
    this.#target = target
    this.port = (server.address() as AddressInfo).port
    server.on('connection', (client: net.Socket) => this.#accept(client))
  }

  /** Listens on a free port of 127.0.0.1, in front of `target`. */
  static async start(target: number): Promise<TcpProxy> {
    const server = net.createServer({ noDelay: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new TcpProxy(server, target)
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#pairs.size
  }

  /** Everything goes through. */
  pass(): void {
    this.#mode = { name: 'pass' }
  }

  /** Everything is swallowed, in both directions, and nobody is told: a cable is out. New connections are accepted. */
  blackhole(): void {
    this.#mode = { name: 'blackhole' }
  }

  /** Requests arrive, replies are swallowed. */
  dropReplies(): void {
    this.#mode = { name: 'dropReplies' }
  }

  /** Each chunk arrives `ms` later, in each direction. */
  delay(ms: number): void {
    this.#mode = { name: 'delay', ms }
  }

  /** New connections are reset at once; the old ones go on. With `cut()`: the server is down. */
  refuse(): void {
    this.#mode = { name: 'refuse' }
  }

  /** New connections go to this port from now on. */
  redirect(target: number): void {
    this.#target = target
  }

  /** Resets every connection. */
  cut(): void {
    for (const pair of this.#pairs) this.#end(pair)
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.cut()
    await closed
  }

  #accept(client: net.Socket): void {
    client.on('error', ignore)
    if (this.#mode.name === 'refuse') {
      client.resetAndDestroy()
      return
    }
    const pair: Pair = { client, server: net.connect({ port: this.#target, host: '127.0.0.1', noDelay: true }) }
    this.#pairs.add(pair)
    pair.server.on('error', ignore)
    for (const socket of [pair.client, pair.server]) socket.on('close', () => this.#end(pair))
    client.on('data', (chunk) => this.#forward(chunk, pair.server, 'request'))
    pair.server.on('data', (chunk) => this.#forward(chunk, client, 'reply'))
  }

  #forward(chunk: Buffer, to: net.Socket, direction: 'request' | 'reply'): void {
    const mode = this.#mode
    if (mode.name === 'blackhole' || (mode.name === 'dropReplies' && direction === 'reply')) return
    if (mode.name === 'delay') setTimeout(() => to.write(chunk), mode.ms).unref()
    else to.write(chunk)
  }

  #end(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return
    pair.client.resetAndDestroy()
    pair.server.resetAndDestroy()
  }
}

interface Pair {
  readonly client: net.Socket
  readonly server: net.Socket
}

type Mode = { readonly name: 'pass' | 'blackhole' | 'dropReplies' | 'refuse' } | { readonly name: 'delay'; readonly ms: number }

function ignore(): void {
  // The other end is told by the 'close' that follows.
}
