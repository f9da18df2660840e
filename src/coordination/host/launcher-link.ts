import type { HostLink, LinkClient } from '../../ipc/host-link.js'
import type { LeaseRegister } from '../../ipc/lease-register.js'
import type { HostBody, WorkerBody } from './host-body.js'
import { HostMembershipProxy } from './host-membership-proxy.js'
import { LinkChannel } from './link-channel.js'

/** All that one coordinator of a worker has of its launcher. */
export class LauncherLink {
  readonly membership: HostMembershipProxy
  readonly channel: LinkChannel
  readonly register: LeaseRegister | undefined
  readonly #client: LinkClient

  constructor(link: HostLink) {
    this.#client = link.connect((body) => this.#receive(body as HostBody))
    this.membership = new HostMembershipProxy(this.#client)
    this.channel = new LinkChannel(this.#client)
    this.register = link.register
    // So that the launcher is connected by the time this worker dies.
    this.#client.send({ kind: 'hello' } satisfies WorkerBody)
  }

  close(): void {
    this.#client.send({ kind: 'bye' } satisfies WorkerBody)
    this.#client.close()
  }

  #receive(body: HostBody): void {
    if (body.kind === 'store') this.channel.receive(body)
    else this.membership.receive(body)
  }
}
