import type net from 'node:net'
import { CodedError } from '../base/errors.js'
import type { ListenTarget } from '../ipc/listen-target.js'
import { listenOnInherited } from '../ipc/listening-handle.js'

const BACKLOG = 511

/** A socket of the launcher in this worker. One server may listen on it, once: closing the server closes the descriptor. */
export class InheritedSocket implements ListenTarget {
  readonly name: string
  readonly url: string
  readonly fd: number
  #used = false

  constructor({ name, url, fd }: ListenTarget) {
    this.name = name
    this.url = url
    this.fd = fd
  }

  /** @throws CodedError SOCKET_IN_USE when a server of this worker has had it already */
  attach(server: net.Server): void {
    if (this.#used) {
      throw new CodedError('SOCKET_IN_USE', `Cannot listen on "${this.name}" as a server of this worker has had it already: ${this.url}`)
    }
    this.#used = true
    const path = this.url.startsWith('unix:') ? this.url.slice('unix:'.length) : undefined
    listenOnInherited(server, { fd: this.fd, ...(path === undefined ? {} : { path }) }, BACKLOG)
  }
}
