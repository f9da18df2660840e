import type { Socket } from 'node:net'
import { CodedError } from '../../base/errors.js'
import type { Channel } from './channel.js'
import { isObject } from '../record.js'

export interface LineChannelOptions {
  /** A longer line from the other end closes the channel, as does one that is no JSON object. */
  readonly maxLineBytes: number
  /** A longer line is not sent, for the other end would close the channel. Default: none is. */
  readonly maxSentBytes?: number
}

/**
 * A channel over a socket: one JSON object a line. An end that sends garbage, or
 * does not read what it is sent, is cut off.
 */
export class LineChannel implements Channel {
  readonly #socket: Socket
  readonly #maxLineBytes: number
  readonly #maxSentBytes: number
  #buffered = ''
  #cutHere = false
  #listener: (message: unknown) => void = () => {}

  constructor(socket: Socket, { maxLineBytes, maxSentBytes = Number.POSITIVE_INFINITY }: LineChannelOptions) {
    this.#socket = socket
    this.#maxLineBytes = maxLineBytes
    this.#maxSentBytes = maxSentBytes
    socket.setEncoding('utf8')
    socket.on('error', () => socket.destroy())
    socket.on('data', (text: string) => this.#receive(text))
  }

  /** @throws CodedError COORDINATION_REFUSED */
  send(message: object): void {
    if (!this.#socket.writable) return
    const line = JSON.stringify(message)
    if (isLonger(line, this.#maxSentBytes)) throw new CodedError('COORDINATION_REFUSED', `Cannot send the request as it has at most ${this.#maxSentBytes} bytes: ${Buffer.byteLength(line)}`)
    this.#socket.write(`${line}\n`)
    if (this.#socket.writableLength > MAX_UNREAD_BYTES) this.#cut()
  }

  onMessage(listener: (message: unknown) => void): void {
    this.#listener = listener
  }

  onClose(listener: (closedBy: 'other end' | 'this end') => void): void {
    const tell = (): void => listener(this.#cutHere ? 'this end' : 'other end')
    if (this.#socket.destroyed) queueMicrotask(tell)
    else this.#socket.once('close', tell)
  }

  /** What was sent before goes out first. */
  close(): void {
    this.#socket.end()
    this.#socket.destroySoon()
  }

  #receive(text: string): void {
    const [first = '', ...others] = text.split('\n')
    const lines = [this.#buffered + first, ...others]
    this.#buffered = lines.pop() ?? ''
    if (!lines.every((line) => this.#take(line)) || this.#isTooLong(this.#buffered)) this.#cut()
  }

  #cut(): void {
    this.#cutHere = true
    this.#socket.destroy()
  }

  /** False: it is nothing that a client or a server says. */
  #take(line: string): boolean {
    const message = this.#socket.destroyed || this.#isTooLong(line) ? undefined : parse(line)
    if (message) this.#listener(message)
    return message !== undefined
  }

  #isTooLong(line: string): boolean {
    return isLonger(line, this.#maxLineBytes)
  }
}

/** No character has more than 3 bytes for each of its units. */
function isLonger(line: string, bytes: number): boolean {
  return line.length * 3 > bytes && Buffer.byteLength(line) > bytes
}

const MAX_UNREAD_BYTES = 16 * 1_048_576

function parse(line: string): object | undefined {
  try {
    const message: unknown = JSON.parse(line)
    return isObject(message) ? message : undefined
  } catch {
    return undefined
  }
}
