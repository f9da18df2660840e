import { once } from 'node:events'
import net from 'node:net'
import { createInterface } from 'node:readline'

interface Question {
  readonly name: string
  /** Text of a bigint. */
  readonly fence: string
  /** Undefined: to read. */
  readonly write?: number
}

/** `value` undefined: refused, for a newer fence was seen. */
interface Answer {
  readonly value?: number
}

interface Cell {
  value: number
  fence: bigint
  accepted: number
  refused: number
}

/**
 * What locks are for: numbers that several processes read and write, in one process,
 * which looks at fences as Kleppmann has it: whoever comes with an older one than was
 * seen is refused, reader or writer. So an update under a lock is never lost, however
 * long its holder stood still between reading and writing.
 */
export class FencedResource {
  readonly path: string
  readonly #server: net.Server
  readonly #sockets = new Set<net.Socket>()
  readonly #cells = new Map<string, Cell>()

  /** Use `listen`. */
  constructor(path: string) {
    this.path = path
    this.#server = net.createServer((socket) => this.#serve(socket))
  }

  static async listen(path: string): Promise<FencedResource> {
    const resource = new FencedResource(path)
    resource.#server.listen(path)
    await once(resource.#server, 'listening')
    return resource
  }

  /** Where updates were lost: every one that was accepted has made its number one more. */
  get lostUpdates(): readonly string[] {
    return [...this.#cells].filter(([, { value, accepted }]) => value !== accepted)
      .map(([name, { value, accepted }]) => `${name}: ${accepted} updates accepted, but the value is ${value}`)
  }

  get accepted(): number {
    return [...this.#cells.values()].reduce((sum, { accepted }) => sum + accepted, 0)
  }

  /** How often a holder came too late. */
  get refused(): number {
    return [...this.#cells.values()].reduce((sum, { refused }) => sum + refused, 0)
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #serve(socket: net.Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    // Users are killed: what is left of their connections is no error. The lines hand on the socket's errors.
    createInterface({ input: socket.on('error', () => {}) })
      .on('error', () => {})
      .on('line', (line) => socket.write(`${JSON.stringify(this.#answer(JSON.parse(line) as Question))}\n`))
  }

  #answer({ name, fence, write }: Question): Answer {
    const cell = this.#cells.get(name) ?? { value: 0, fence: 0n, accepted: 0, refused: 0 }
    this.#cells.set(name, cell)
    if (BigInt(fence) < cell.fence) {
      cell.refused++
      return {}
    }
    cell.fence = BigInt(fence)
    if (write === undefined) return { value: cell.value }
    cell.value = write
    cell.accepted++
    return { value: write }
  }
}

/** A user of it, in another process. Questions are answered in their order. */
export class FencedResourceClient {
  readonly #socket: net.Socket
  readonly #waiting: ((answer: Answer) => void)[] = []

  /** Use `connect`. */
  constructor(socket: net.Socket) {
    this.#socket = socket
    createInterface({ input: socket }).on('line', (line) => this.#waiting.shift()?.(JSON.parse(line) as Answer))
  }

  static async connect(path: string): Promise<FencedResourceClient> {
    const socket = net.connect(path)
    await once(socket, 'connect')
    return new FencedResourceClient(socket)
  }

  /** Undefined: refused. */
  read(name: string, fence: bigint): Promise<number | undefined> {
    return this.#ask({ name, fence: String(fence) })
  }

  /** False: refused. */
  async write(name: string, fence: bigint, value: number): Promise<boolean> {
    return (await this.#ask({ name, fence: String(fence), write: value })) !== undefined
  }

  close(): void {
    this.#socket.destroy()
  }

  #ask(question: Question): Promise<number | undefined> {
    return new Promise((resolve) => {
      this.#waiting.push(({ value }) => resolve(value))
      this.#socket.write(`${JSON.stringify(question)}\n`)
    })
  }
}
