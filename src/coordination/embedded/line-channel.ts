import type { Socket } from 'node:net'
import type { Channel } from './channel.js'
import { isObject } from '../record.js'

export interface LineChannelOptions {
  /** A longer line from the other end closes the channel, as does one that is no JSON object. */
  readonly maxLineBytes: number
}

/**
 * A channel over a socket: one JSON object a line. An end that sends garbage, or
 * does not read what it is sent, is cut off.
 */
export class LineChannel implements Channel {
  readonly #socket: Socket
  readonly #maxLineBytes: number
  #buffered = ''
  #listener: (message: unknown) => void = () => {}

  constructor(socket: Socket, { maxLineBytes }: LineChannelOptions) {
    this.#socket = socket
    this.#maxLineBytes = maxLineBytes
    socket.setEncoding('utf8')
    socket.on('error', () => socket.destroy())
    socket.on('data', (text: string) => this.#receive(text))
  }

  send(message: object): void {
    if (!this.#socket.writable) return
    this.#socket.write(`${JSON.stringify(message)}\n`)
    if (this.#socket.writableLength > MAX_UNREAD_BYTES) this.#socket.destroy()
  }

  onMessage(listener: (message: unknown) => void): void {
    this.#listener = listener
  }

  onClose(listener: () => void): void {
    if (this.#socket.destroyed) queueMicrotask(listener)
    else this.#socket.once('close', listener)
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
    if (!lines.every((line) => this.#take(line)) || this.#isTooLong(this.#buffered)) this.#socket.destroy()
  }

  /** False: it is nothing that a client or a server says. */
  #take(line: string): boolean {
    const message = this.#socket.destroyed || this.#isTooLong(line) ? undefined : parse(line)
    if (message) this.#listener(message)
    return message !== undefined
  }

  /** No character has more than 3 bytes for each of its units. */
  #isTooLong(line: string): boolean {
    return line.length * 3 > this.#maxLineBytes && Buffer.byteLength(line) > this.#maxLineBytes
  }
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
