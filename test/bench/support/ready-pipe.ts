import { execFileSync } from 'node:child_process'
import { constants, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { Mailbox } from '#src/base/mailbox.js'

export interface ReadyWorker {
  readonly pid: number
  /** When the benchmark heard of it, in `performance.now()` ms. */
  readonly at: number
}

/**
 * Where workers say that they are ready: a FIFO into which each writes its pid.
 *
 * Every contender is asked the same question in the same way, and the answer
 * costs a worker three system calls and no turn of its event loop. A
 * supervisor's own notion of ready (a log line, an IPC message) would compare
 * the notions instead.
 */
export class ReadyPipe implements Disposable {
  readonly #socket: Socket
  readonly #arrivals = new Mailbox<ReadyWorker>()

  constructor(path: string) {
    execFileSync('mkfifo', [path])
    // Open for writing too: the FIFO never ends when its last writer closes.
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
    this.#socket = new Socket({ fd, readable: true, writable: false })
    this.#socket.setEncoding('utf8')
    // Shorter than PIPE_BUF, so a write is never torn; a read may hold several.
    this.#socket.on('data', (text: string) => {
      const at = performance.now()
      for (const pid of text.trim().split('\n')) this.#arrivals.send({ pid: Number(pid), at })
    })
  }

  /** The next worker to become ready; undefined when none did within `timeoutMs`. */
  next(timeoutMs: number): Promise<ReadyWorker | undefined> {
    return this.#arrivals.receive(timeoutMs)
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}
