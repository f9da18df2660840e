import { execFileSync } from 'node:child_process'
import { constants, openSync } from 'node:fs'
import { connect, Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { Mailbox } from '#src/base/mailbox.js'

export interface LeaderEvent {
  readonly kind: 'campaigning' | 'leader' | 'resigning'
  readonly pid: number
  /** When the process wrote it, `process.hrtime.bigint()` of its own: one clock for all processes. */
  readonly at: bigint
}

/** Where candidates say that they campaign, lead, or resign: a FIFO, like that of ready-pipe.ts. */
export class LeaderPipe implements Disposable {
  readonly #path: string
  readonly #socket: Socket
  readonly #events = new Mailbox<LeaderEvent>()

  /** `path` must be in a directory of its own. */
  constructor(path: string) {
    this.#path = path
    execFileSync('mkfifo', [path])
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
    this.#socket = new Socket({ fd, readable: true, writable: false })
    this.#socket.setEncoding('utf8')
    this.#socket.on('data', (text: string) => {
      for (const line of text.trim().split('\n')) this.#events.send(parseEvent(line))
    })
  }

  /** The next event of this kind; the others before it are dropped. @throws when there is none within `timeoutMs` */
  async next(kind: LeaderEvent['kind'], timeoutMs = 30_000): Promise<LeaderEvent> {
    for (const end = performance.now() + timeoutMs; performance.now() < end; ) {
      const event = await this.#events.receive(Math.max(0, end - performance.now()))
      if (event?.kind === kind) return event
    }
    throw new Error(`Cannot go on as no candidate said "${kind}" within ${timeoutMs} ms`)
  }

  /** Asks that process to resign. */
  askToResign(pid: number): void {
    connect(join(dirname(this.#path), `resign-${pid}`)).on('error', () => {}).resume()
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}

function parseEvent(line: string): LeaderEvent {
  const [kind = '', pid = '', at = '0'] = line.split(' ')
  return { kind: kind as LeaderEvent['kind'], pid: Number(pid), at: BigInt(at) }
}
