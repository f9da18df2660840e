import { readdirSync } from 'node:fs'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { pathToFileURL } from 'node:url'
import { Targets } from '#src/queue/index.js'
import { ThreadPool } from '#src/tpool/index.js'
import { contenderFile } from './paths.js'

/** What `clients` clients, each with a request for every target, need. */
export interface Needs {
  /** Of this process, above those that it has anyway. */
  readonly threads: number
  readonly connections: number
  readonly ms: number
}

export const TARGETS = 10
const REQUEST = Buffer.from('?')
export const TARGET_THREADS = 4

/** Servers that answer each byte with one. */
export class TargetServers implements AsyncDisposable {
  readonly #servers: readonly Server[]
  #connections = 0

  constructor(servers: readonly Server[]) {
    this.#servers = servers
    for (const server of servers) {
      server.on('connection', (socket) => {
        this.#connections++
        socket.on('data', (chunk) => socket.write(chunk)).on('error', () => {}).on('close', () => { this.#connections-- })
      })
    }
  }

  static async start(): Promise<TargetServers> {
    const servers = Array.from({ length: TARGETS }, () => createServer().listen(0, '127.0.0.1'))
    await Promise.all(servers.map((server) => once(server, 'listening')))
    return new TargetServers(servers)
  }

  get connections(): number {
    return this.#connections
  }

  get ports(): readonly number[] {
    return this.#servers.map((server) => (server.address() as AddressInfo).port)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => once(server.close(), 'close')))
  }
}

/** One registry of connections and one pool of threads for the whole process. */
export async function sharedNeeds(servers: TargetServers, clients: number): Promise<Needs> {
  const before = threadCount()
  await using pool = new ThreadPool({ threads: TARGET_THREADS })
  const work = await pool.proxy<{ noop(): void }>(pathToFileURL(contenderFile('tpool-work.mjs')))
  const targets = new Targets<Line>({ connect: (target) => Line.open(Number(target)), close: (line) => line.close() })
  const start = performance.now()
  await Promise.all(Array.from({ length: clients }, async () => {
    await work.noop()
    for (const port of servers.ports) {
      await using lease = await targets.acquire(String(port))
      await lease.connection.request()
    }
  }))
  const needs = { threads: threadCount() - before, connections: servers.connections, ms: performance.now() - start }
  await targets.close()
  return needs
}

/** The fault: each client has a connection to each target, and two threads for each connection, as Ceph's SimpleMessenger had. */
export async function ownNeeds(servers: TargetServers, clients: number): Promise<Needs> {
  const before = threadCount()
  const start = performance.now()
  const ports = Array.from({ length: clients }, () => servers.ports).flat()
  const lines = await Promise.all(ports.map((port) => Line.open(port)))
  const threads = lines.flatMap(() => [idleThread(), idleThread()])
  await Promise.all(threads.map((thread) => once(thread, 'online')))
  await Promise.all(lines.map((line) => line.request()))
  const needs = { threads: threadCount() - before, connections: servers.connections, ms: performance.now() - start }
  await Promise.all([...lines.map((line) => line.close()), ...threads.map((thread) => thread.terminate())])
  return needs
}

/** A connection that many ask at once: answers come in the order of the requests. */
class Line {
  readonly #socket: Socket
  readonly #waiting: (() => void)[] = []
  #answered = 0

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => {
      for (let n = 0; n < chunk.length; n++) this.#waiting[this.#answered++]?.()
    })
  }

  static async open(port: number): Promise<Line> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new Line(socket)
  }

  request(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#socket.write(REQUEST)
    })
  }

  async close(): Promise<void> {
    this.#socket.destroy()
    await once(this.#socket, 'close')
  }
}

function idleThread(): Worker {
  return new Worker('setInterval(() => {}, 60_000)', { eval: true })
}

function threadCount(): number {
  return readdirSync('/proc/self/task').length
}
