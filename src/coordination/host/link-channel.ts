import type { LinkClient } from '../../ipc/host-link.js'
import type { Channel } from '../embedded/channel.js'
import type { HostBody, WorkerBody } from './host-body.js'

/** A worker's channel to the store of its launcher, within its link. It closes only with the process. */
export class LinkChannel implements Channel {
  readonly #link: LinkClient
  #listener: (message: unknown) => void = () => {}

  constructor(link: LinkClient) {
    this.#link = link
  }

  send(message: object): void {
    this.#link.send({ kind: 'store', message } satisfies WorkerBody)
  }

  onMessage(listener: (message: unknown) => void): void {
    this.#listener = listener
  }

  onClose(): void {
    // The worker ends when its launcher does.
  }

  /** What came from the launcher. */
  receive(body: Extract<HostBody, { kind: 'store' }>): void {
    this.#listener(body.message)
  }
}
