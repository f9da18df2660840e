import { LeaseRegister } from './lease-register.js'

/**
 * A worker's way to what its launcher does for its coordination: one a process,
 * found by whatever copy of the package the service has loaded. Several
 * coordinators share it, each under a number of its own.
 */
export class HostLink {
  /** The launcher's `coordination_url`: only who uses the same store has anything of the launcher. */
  readonly url: string
  readonly #registerFd: number | null
  #register: LeaseRegister | undefined
  readonly #send: (body: unknown) => void
  readonly #listeners = new Map<number, (body: unknown) => void>()
  #clients = 0

  /** `send` sends to the launcher; `registerFd`: the descriptor of the worker's lease register; null: its store sees by itself when the worker dies. */
  constructor(url: string, registerFd: number | null, send: (body: unknown) => void) {
    this.url = url
    this.#registerFd = registerFd
    this.#send = send
  }

  get register(): LeaseRegister | undefined {
    if (this.#registerFd !== null) this.#register ??= new LeaseRegister(this.#registerFd)
    return this.#register
  }

  /** A new party to the link, which hears only what is meant for it. */
  connect(listener: (body: unknown) => void): LinkClient {
    const client = ++this.#clients
    this.#listeners.set(client, listener)
    return {
      send: (body) => this.#send({ client, body }),
      close: () => this.#listeners.delete(client),
    }
  }

  /** What the launcher has sent. */
  receive(received: unknown): void {
    const { client, body } = received as LinkMessage
    this.#listeners.get(client)?.(body)
  }
}

export interface LinkClient {
  send(body: unknown): void
  close(): void
}

/** On the channel, both ways. */
export interface LinkMessage {
  readonly client: number
  readonly body: unknown
}

/** What a worker sent as such a message; undefined when it is none. */
export function parseLinkMessage(received: unknown): LinkMessage | undefined {
  if (typeof received !== 'object' || received === null || !('client' in received) || !('body' in received)) return undefined
  const { client, body } = received
  return typeof client === 'number' && Number.isSafeInteger(client) ? { client, body } : undefined
}

const KEY = Symbol.for('reeve.host-link')

/** Makes it known to the coordinators of this process. */
export function installHostLink(link: HostLink): void {
  Reflect.set(globalThis, KEY, link)
}

/** Undefined in a process that is no worker. */
export function hostLink(): HostLink | undefined {
  return Reflect.get(globalThis, KEY) as HostLink | undefined
}
