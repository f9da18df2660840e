import type { Redis } from 'ioredis'

/** Fewer and the socket is busy too often; more and the server has nothing to do meanwhile. */
const COMMANDS_A_WRITE = 8

/**
 * Sends the commands of one turn of the event loop with few calls of write(2): one
 * for each command was a third of a busy client's time. The first of a turn leaves at
 * once, for it may be the only one, and somebody waits for it.
 */
export class TurnWrites {
  #stream: Redis['stream'] | undefined
  #commands = 0

  /** To be called before a command is given to `client`. */
  gather(client: Redis): void {
    const { stream } = client
    if (this.#stream !== stream) return this.#begin(stream)
    this.#commands++
    if (this.#commands === 2) stream.cork()
    if (this.#commands % COMMANDS_A_WRITE !== 0) return
    stream.uncork()
    stream.cork()
  }

  #begin(stream: Redis['stream']): void {
    this.#flush()
    this.#stream = stream
    this.#commands = 1
    process.nextTick(this.#flush)
  }

  readonly #flush = (): void => {
    if (this.#commands > 1) this.#stream?.uncork()
    this.#stream = undefined
    this.#commands = 0
  }
}
