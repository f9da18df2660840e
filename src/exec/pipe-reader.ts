import { closeSync } from 'node:fs'
import net from 'node:net'
import { copyInto, type ByteSink } from './byte-sink.js'
import type { ReadEnd } from './pipes.js'

/** How long nothing must come, once the child has ended, until what others hold open is given up. */
const QUIET_MS = 100
/** More than any pipe holds: what comes later than that was not written by the child. */
const MOST_AFTER_EXIT_BYTES = 2 ** 22

/**
 * Reads one output of a child into a sink.
 *
 * A pipe ends when all who hold it have closed it, and that may be a grandchild
 * that stays for days. So the end of the child begins a drain: what it wrote itself
 * is in the pipe by then, and is read; after a short silence the reading ends.
 */
export class PipeReader {
  /** Resolves when there is nothing more to come. Never rejects. */
  readonly ended: Promise<void>
  readonly #end: ReadEnd
  #source: Source | undefined
  #finish: () => void = () => {}
  #isOver = false
  #isPaused = false
  #reads = 0
  #bytes = 0
  #drain: { readonly timer: NodeJS.Timeout; readonly fromBytes: number } | undefined
  #childEnded = false

  constructor(end: ReadEnd) {
    this.#end = end
    this.ended = new Promise((resolve) => { this.#finish = resolve })
  }

  get reads(): number {
    return this.#reads
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Begins to read; to be called once. */
  start(sink: ByteSink): void {
    if (this.#isOver) return
    const filled: ByteSink = {
      space: () => sink.space(),
      fill: (length) => {
        this.#bytes += length
        this.#quietAgain()
        const goesOn = sink.fill(length)
        if (!goesOn) this.#pause()
        return goesOn
      },
    }
    this.#source = open(this.#end, filled, () => { this.#reads++ }, () => this.#over())
    if (this.#childEnded) this.childEnded()
  }

  /** Goes on after the sink has said stop. */
  resume(): void {
    if (!this.#isPaused || this.#isOver) return
    this.#isPaused = false
    this.#source?.resume()
    if (this.#childEnded) this.#beginDrain()
  }

  /** The child has ended: from now on silence is the end. What a sink does not take is waited for. */
  childEnded(): void {
    this.#childEnded = true
    if (this.#source && !this.#isPaused && !this.#isOver) this.#beginDrain()
  }

  /** Gives up what the sink would not take. */
  giveUpIfPaused(): void {
    if (this.#isPaused || !this.#source) this.destroy()
  }

  /** Closes this end of the pipe: a child that writes on gets SIGPIPE. */
  destroy(): void {
    if (this.#isOver) return
    if (this.#source) this.#source.destroy()
    else discard(this.#end)
    this.#over()
  }

  #beginDrain(): void {
    clearTimeout(this.#drain?.timer)
    this.#drain = { timer: setTimeout(() => this.#endIfStillQuiet(), QUIET_MS), fromBytes: this.#drain?.fromBytes ?? this.#bytes }
  }

  /** A timer of a loop that was held fires before what is waiting in the pipe is read: the loop turns once more. */
  #endIfStillQuiet(): void {
    const before = this.#bytes
    setImmediate(() => {
      if (this.#bytes === before && !this.#isPaused) this.destroy()
    })
  }

  #quietAgain(): void {
    if (!this.#drain) return
    if (this.#bytes - this.#drain.fromBytes > MOST_AFTER_EXIT_BYTES) this.destroy()
    else this.#beginDrain()
  }

  #pause(): void {
    this.#isPaused = true
    clearTimeout(this.#drain?.timer)
  }

  #over(): void {
    this.#isOver = true
    clearTimeout(this.#drain?.timer)
    this.#finish()
  }
}

interface Source {
  resume(): void
  destroy(): void
}

function open(end: ReadEnd, sink: ByteSink, onRead: () => void, onEnd: () => void): Source {
  return end.kind === 'pipe' ? openPipe(end.fd, sink, onRead, onEnd) : openStream(end.stream, sink, onRead, onEnd)
}

/** Straight into the memory of the sink, as much as it offers at a time. */
function openPipe(fd: number, sink: ByteSink, onRead: () => void, onEnd: () => void): Source {
  const options: net.SocketConstructorOpts & Pick<net.ConnectOpts, 'onread'> = {
    fd, readable: true, writable: false,
    onread: {
      buffer: () => sink.space(),
      callback: (length) => {
        onRead()
        return sink.fill(length)
      },
    },
  }
  const socket = new net.Socket(options)
  socket.on('error', onEnd).on('close', onEnd).resume()
  return { resume: () => void socket.resume(), destroy: () => void socket.destroy() }
}

function openStream(stream: Extract<ReadEnd, { kind: 'stream' }>['stream'], sink: ByteSink, onRead: () => void, onEnd: () => void): Source {
  stream.on('error', onEnd).on('close', onEnd).on('data', (chunk: Buffer) => {
    onRead()
    if (!copyInto(sink, chunk)) stream.pause()
  })
  return { resume: () => void stream.resume(), destroy: () => void stream.destroy() }
}

function discard(end: ReadEnd): void {
  if (end.kind === 'stream') end.stream.destroy()
  else closeSync(end.fd)
}
