/**
 * The load generator: `node load-generator.js PLAN`, PLAN a LoadPlan as JSON.
 *
 * One loop on epoll in a process that does nothing else, so it may block. A
 * connection is `connecting`, `idle`, `busy` with a request, or `closing` (its
 * last answer is here, the server is about to close). A failure is a request
 * without a whole answer of status 200, or a connection that was not made; a
 * connection that the server closes while it is idle is none.
 */
import { readSync, writeSync } from 'node:fs'
import { hasCode } from '#src/base/errors.js'
import { closeConnection, Epoll, openConnection, receive, type Readiness, sendAll } from './epoll.js'
import type { LoadPlan, LoadResult } from './load-plan.js'
import { readResponse } from './response.js'
import { percentile } from './statistics.js'

interface Connection {
  readonly fd: number
  state: 'connecting' | 'idle' | 'busy' | 'closing'
  /** When the state began, `performance.now()` ms. */
  since: number
  /** Of the answer, what has come so far. */
  received: string
}

const STDIN = 0
const STDOUT = 1
const MAX_CONNECTING = 128
const TIMEOUT_MS = 5_000
const RETRY_MS = 10
/** The loop's turn, when nothing happens: also the coarseness of the pace. */
const TURN_MS = 1

class LoadGenerator {
  readonly #plan: LoadPlan
  readonly #request: Buffer
  readonly #epoll = new Epoll()
  readonly #connections = new Map<number, Connection>()
  readonly #buffer = Buffer.alloc(65_536)
  readonly #failures: Record<string, number> = {}
  #idle: Connection[] = []
  #connecting = 0
  #openAfter = 0
  #latencies: number[] = []
  #stopped = false
  #sweepAt = 0

  constructor(plan: LoadPlan) {
    this.#plan = plan
    const connection = plan.style === 'new-connections' ? 'Connection: close\r\n' : ''
    this.#request = Buffer.from(`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n${connection}\r\n`)
    this.#epoll.add(STDIN)
  }

  run(): LoadResult {
    while (!this.#stopped && (this.#connections.size < this.#plan.connections || this.#connecting > 0)) this.#turn()
    this.#runUntil(performance.now() + this.#plan.warmUpMs)
    this.#latencies = []
    const startedAt = performance.now()
    answer('started')
    this.#runUntil(startedAt + (this.#plan.durationMs ?? Number.POSITIVE_INFINITY))
    return this.#result(performance.now() - startedAt)
  }

  #runUntil(end: number): void {
    const { perSecond } = this.#plan
    let due = performance.now()
    for (let now = due; now < end && !this.#stopped; now = performance.now()) {
      if (perSecond !== undefined) due = this.#sendWhatIsDue(due, now, 1_000 / perSecond)
      else this.#sendAllIdle()
      this.#turn()
    }
  }

  /** Sends what the pace asks for by `now`; gives the time of the next. What finds no idle connection is late, not lost. */
  #sendWhatIsDue(due: number, now: number, everyMs: number): number {
    const idle = this.#idle.slice(0, Math.max(0, Math.ceil((now - due) / everyMs)))
    this.#idle = this.#idle.slice(idle.length)
    for (const connection of idle) this.#send(connection)
    return due + idle.length * everyMs
  }

  #sendAllIdle(): void {
    const idle = this.#idle
    this.#idle = []
    for (const connection of idle) this.#send(connection)
  }

  #turn(): void {
    const now = performance.now()
    if (now >= this.#openAfter) this.#open(now)
    if (now >= this.#sweepAt) this.#sweep(now)
    for (const readiness of this.#epoll.wait(TURN_MS)) {
      if (readiness.fd === STDIN) this.#stopped ||= readiness.ended
      else this.#onReady(readiness)
    }
  }

  #open(now: number): void {
    while (this.#connections.size < this.#plan.connections && this.#connecting < MAX_CONNECTING) {
      const fd = openConnection(this.#plan.port)
      this.#connections.set(fd, { fd, state: 'connecting', since: now, received: '' })
      this.#connecting++
      this.#epoll.add(fd)
    }
  }

  #onReady({ fd, readable, writable, ended }: Readiness): void {
    const connection = this.#connections.get(fd)
    if (!connection) return
    if (connection.state === 'connecting' && writable && !ended) this.#onConnected(connection)
    if (readable || ended) this.#onReadable(connection, ended)
  }

  #onConnected(connection: Connection): void {
    this.#connecting--
    this.#enter(connection, 'idle')
    this.#idle.push(connection)
  }

  #send(connection: Connection): void {
    this.#enter(connection, 'busy')
    if (!sendAll(connection.fd, this.#request)) this.#fail(connection, 'broken when sending')
  }

  /** Edge-triggered: reads until there is nothing more, or the end. */
  #onReadable(connection: Connection, ended: boolean): void {
    for (;;) {
      const count = receive(connection.fd, this.#buffer)
      if (count === undefined) return
      if (typeof count === 'string' || count === 0) return this.#onEnd(connection, count || 'closed before the answer')
      connection.received += this.#buffer.toString('latin1', 0, count)
      this.#onData(connection)
      const isOpen = this.#connections.get(connection.fd) === connection
      if (!isOpen || (count < this.#buffer.length && !ended)) return
    }
  }

  #onData(connection: Connection): void {
    const response = readResponse(connection.received)
    if (!response) return
    connection.received = ''
    if (response.status !== 200) return this.#fail(connection, `status ${response.status}`)
    this.#latencies.push(performance.now() - connection.since)
    this.#enter(connection, response.closes ? 'closing' : 'idle')
    if (!response.closes) this.#idle.push(connection)
  }

  #onEnd(connection: Connection, reason: string): void {
    if (connection.state === 'idle' || connection.state === 'closing') this.#drop(connection)
    else this.#fail(connection, reason)
  }

  #sweep(now: number): void {
    this.#sweepAt = now + 100
    for (const connection of this.#connections.values()) {
      if (connection.state === 'idle' || now - connection.since < TIMEOUT_MS) continue
      if (connection.state === 'closing') this.#drop(connection)
      else this.#fail(connection, 'timed out')
    }
  }

  #fail(connection: Connection, reason: string): void {
    const what = connection.state === 'connecting' ? `connect: ${reason}` : reason
    this.#failures[what] = (this.#failures[what] ?? 0) + 1
    this.#openAfter = performance.now() + RETRY_MS
    this.#drop(connection)
  }

  #drop(connection: Connection): void {
    if (connection.state === 'connecting') this.#connecting--
    if (connection.state === 'idle') this.#idle = this.#idle.filter((other) => other !== connection)
    this.#connections.delete(connection.fd)
    closeConnection(connection.fd)
  }

  #enter(connection: Connection, state: Connection['state']): void {
    connection.state = state
    connection.since = performance.now()
  }

  #result(elapsedMs: number): LoadResult {
    const latencies = Float64Array.from(this.#latencies).sort()
    return {
      requests: latencies.length,
      elapsedMs,
      failures: this.#failures,
      p50Ms: percentile(latencies, 50),
      p99Ms: percentile(latencies, 99),
      maxMs: latencies.at(-1) ?? Number.NaN,
    }
  }
}

answer(JSON.stringify(new LoadGenerator(JSON.parse(process.argv[2] ?? '') as LoadPlan).run()))
while (readSync(STDIN, Buffer.alloc(1)) > 0);

/** One line to the benchmark, which is gone when it was interrupted. */
function answer(line: string): void {
  try {
    writeSync(STDOUT, `${line}\n`)
  } catch (error) {
    if (!hasCode(error, 'EPIPE')) throw error
  }
}
