import type { Redis } from 'ioredis'

/** Fewer and the socket is busy too often; more and the server has nothing to do meanwhile. */
const COMMANDS_A_WRITE = 8

/**
 * Sends the commands of one turn of the event loop with few calls of write(2): one
 * for each command was a third of a busy client's time. A command that is alone in
 * its turn leaves at the turn's end, which is at once.
 */
export class TurnWrites {
  #stream: Redis['stream'] | undefined
  #commands = 0

  /** To be called before a command is given to `client`. */
  gather(client: Redis): void {
    const { stream } = client
    if (this.#stream !== stream) {
      this.#flush()
      this.#stream = stream
      stream.cork()
      process.nextTick(this.#flush)
    } else if (++this.#commands % COMMANDS_A_WRITE === 0) {
      stream.uncork()
      stream.cork()
    }
  }

  readonly #flush = (): void => {
    this.#stream?.uncork()
    this.#stream = undefined
    this.#commands = 0
  }
}
