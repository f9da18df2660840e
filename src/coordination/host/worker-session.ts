import { systemClock } from '../../base/clock.js'
import { codeOf, messageOf } from '../../base/errors.js'
import { parseLinkMessage } from '../../ipc/host-link.js'
import type { LeaseNote } from '../../ipc/lease-register.js'
import { serveChannel } from '../embedded/channel-server.js'
import type { EmbeddedStore } from '../embedded/embedded-store.js'
import type { Channel } from '../embedded/channel.js'
import type { CoordinationStore } from '../store.js'
import { isWorkerBody, type HostBody, type WorkerBody } from './host-body.js'

/** What a session needs of the launcher's coordination: see host-coordination.ts. */
export interface SessionHost {
  readonly embedded: EmbeddedStore | undefined
  store(): Promise<CoordinationStore>
  put(session: WorkerSession, place: Extract<WorkerBody, { kind: 'put' }>): Promise<void>
  remove(session: WorkerSession, group: string, member: string): Promise<boolean>
  bury(session: WorkerSession, notes: readonly LeaseNote[]): Promise<void>
}

/** The launcher's end of one worker's link, from its fork to its death. */
export class WorkerSession {
  /** When the worker last said that its loop runs, in `Clock.now()` ms. */
  lastBeat = systemClock.now()
  readonly #host: SessionHost
  readonly #send: (body: unknown) => void
  /** Coordinators of the worker that use the store of the launcher, by their number on the link. */
  readonly #stores = new Map<number, { readonly hear: (message: unknown) => void; readonly close: () => void }>()
  readonly #clients = new Set<number>()
  #dead = false

  constructor(host: SessionHost, send: (body: unknown) => void) {
    this.#host = host
    this.#send = send
  }

  beat(): void {
    this.lastBeat = systemClock.now()
  }

  /** What the worker has sent. What a dead one has sent is not heard: nobody could give back what it would get. */
  receive(received: unknown): void {
    const message = parseLinkMessage(received)
    if (this.#dead || !message || !isWorkerBody(message.body)) return
    const { client, body } = message
    this.#clients.add(client)
    switch (body.kind) {
      case 'hello':
        // A worker whose store cannot be reached says so itself.
        void this.#host.store().catch(() => {})
        return
      case 'store': return this.#storeOf(client)?.hear(body.message)
      case 'put': return void this.#answer(client, body.call, async () => {
        await this.#host.put(this, body)
        return true
      })
      case 'remove': return void this.#answer(client, body.call, () => this.#host.remove(this, body.group, body.member))
      case 'bye': return this.#forget(client)
    }
  }

  /** The worker is dead; `notes` is what its register held. */
  async died(notes: readonly LeaseNote[]): Promise<void> {
    this.#dead = true
    for (const client of [...this.#clients]) this.#forget(client)
    await this.#host.bury(this, notes)
  }

  /** Tells every coordinator of the worker. */
  tell(body: HostBody): void {
    for (const client of this.#clients) this.#send({ client, body })
  }

  #forget(client: number): void {
    this.#stores.get(client)?.close()
    this.#stores.delete(client)
    this.#clients.delete(client)
  }

  #storeOf(client: number): { readonly hear: (message: unknown) => void } | undefined {
    const { embedded } = this.#host
    if (!embedded) return undefined
    const known = this.#stores.get(client)
    if (known) return known
    let hear: (message: unknown) => void = () => {}
    let close: () => void = () => {}
    const channel: Channel = {
      send: (message) => this.#send({ client, body: { kind: 'store', message } satisfies HostBody }),
      onMessage: (listener) => { hear = listener },
      onClose: (listener) => { close = listener },
    }
    serveChannel(embedded, channel, `worker ${client}`)
    const made = { hear: (message: unknown) => hear(message), close: () => close() }
    this.#stores.set(client, made)
    return made
  }

  async #answer(client: number, call: number, work: () => Promise<boolean>): Promise<void> {
    const body: HostBody = await work().then(
      (result) => ({ kind: 'answer', call, result }),
      (error: unknown) => ({ kind: 'failure', call, code: codeOf(error) ?? 'COORDINATION_UNAVAILABLE', message: messageOf(error) }),
    )
    if (!this.#dead) this.#send({ client, body })
  }
}

