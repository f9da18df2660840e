import { Agent, request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** One GET; on a connection of its own unless there is an agent. `url` may be of a Unix socket: `unix:/PATH:/slow`. */
export async function get(url: string, { agent = false }: { agent?: Agent | false } = {}): Promise<Answer> {
  const unix = /^unix:([^:]+):?(.*)$/.exec(url)
  const asked = unix ? request({ socketPath: unix[1], path: unix[2] === '' ? '/' : unix[2], agent }) : request(url, { agent })
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    asked.once('response', resolve).once('error', (error) => reject(Object.assign(error, { reusedSocket: asked.reusedSocket }))).end()
  })
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) }
}

/** What the fixture web.mjs says of itself. */
export interface WhoAmI {
  readonly pid: number
  readonly workerId: number
  readonly workers: number
  readonly generation: number
}

export async function whoIs(url: string): Promise<WhoAmI> {
  return JSON.parse((await get(url)).body) as WhoAmI
}

export interface Failure {
  readonly error: string
  /** It met a connection that had served before. */
  readonly reusedSocket: boolean
}

/** Asks without a pause on keep-alive connections, until it is ended. */
export class KeepAliveLoad {
  /** How often each worker's answer came, by pid. */
  readonly answers = new Map<number, number>()
  readonly failures: Failure[] = []
  readonly #agent: Agent
  readonly #clients: Promise<void>[]
  #ending = false

  constructor(url: string, clients: number) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: clients })
    this.#clients = Array.from({ length: clients }, () => this.#run(url))
  }

  get count(): number {
    return [...this.answers.values()].reduce((sum, count) => sum + count, 0)
  }

  async end(): Promise<void> {
    this.#ending = true
    await Promise.all(this.#clients)
    this.#agent.destroy()
  }

  async #run(url: string): Promise<void> {
    while (!this.#ending) {
      try {
        const { status, body } = await get(url, { agent: this.#agent })
        if (status !== 200) throw new Error(`status ${status}`)
        const { pid } = JSON.parse(body) as WhoAmI
        this.answers.set(pid, (this.answers.get(pid) ?? 0) + 1)
      } catch (error) {
        this.failures.push({ error: String(error), reusedSocket: (error as Partial<Failure>).reusedSocket ?? false })
      }
    }
  }
}
