import { once } from 'node:events'
import net from 'node:net'
import type { AddressInfo } from 'node:net'

/**
 * A port of its own in front of another one of 127.0.0.1, which can do to its
 * connections what networks do. A mode counts for what arrives from then on, over
 * old connections too. What a blackhole holds back arrives when it is gone, late and
 * in its order, as TCP would send it again; replies that were dropped never do, and
 * their connection is reset when replies are let through again.
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
    for (const pair of this.#pairs) {
      if (pair.gap) this.#end(pair)
      for (const stream of pair.streams) stream.release()
    }
  }

  /** Nothing goes through, in both directions, and nobody is told: a cable is out. New connections are accepted. */
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
    const server = net.connect({ port: this.#target, host: '127.0.0.1', noDelay: true })
    const [requests, replies] = [new Stream(server), new Stream(client)]
    const pair: Pair = { client, server, streams: [requests, replies], gap: false }
    this.#pairs.add(pair)
    server.on('error', ignore)
    for (const socket of [client, server]) socket.on('close', () => this.#end(pair))
    client.on('data', (chunk) => this.#forward(chunk, requests))
    server.on('data', (chunk) => {
      if (this.#mode.name === 'dropReplies') pair.gap = true
      else this.#forward(chunk, replies)
    })
  }

  #forward(chunk: Buffer, stream: Stream): void {
    const mode = this.#mode
    stream.send(chunk, mode.name === 'blackhole' ? Infinity : mode.name === 'delay' ? mode.ms : 0)
  }

  #end(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return
    pair.client.resetAndDestroy()
    pair.server.resetAndDestroy()
  }
}

/** One direction of a connection. Nothing overtakes what was sent before it. */
class Stream {
  readonly #to: net.Socket
  readonly #queue: { readonly chunk: Buffer; at: number }[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(to: net.Socket) {
    this.#to = to
    to.once('close', () => clearTimeout(this.#timer))
  }

  /** Passes `chunk` on in `afterMs`, or later where something is before it; Infinity: when it is released. */
  send(chunk: Buffer, afterMs: number): void {
    this.#queue.push({ chunk, at: performance.now() + afterMs })
    this.#pump()
  }

  /** Lets go what was to be held for ever. */
  release(): void {
    for (const each of this.#queue) if (each.at === Infinity) each.at = 0
    this.#pump()
  }

  #pump(): void {
    clearTimeout(this.#timer)
    for (let [first] = this.#queue; first && first.at <= performance.now(); [first] = this.#queue) {
      this.#queue.shift()
      if (this.#to.writable) this.#to.write(first.chunk)
    }
    const [next] = this.#queue
    if (next && next.at !== Infinity) this.#timer = setTimeout(() => this.#pump(), Math.ceil(next.at - performance.now()))
  }
}

interface Pair {
  readonly client: net.Socket
  readonly server: net.Socket
  readonly streams: readonly [Stream, Stream]
  /** Replies were dropped: what follows cannot be told from them. */
  gap: boolean
}

type Mode = { readonly name: 'pass' | 'blackhole' | 'dropReplies' | 'refuse' } | { readonly name: 'delay'; readonly ms: number }

function ignore(): void {
  // The other end is told by the 'close' that follows.
}
