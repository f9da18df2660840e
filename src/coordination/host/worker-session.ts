import { codeOf, messageOf } from '../../base/errors.js'
import { parseLinkMessage } from '../../ipc/host-link.js'
import type { LeaseNote } from '../../ipc/lease-register.js'
import type { Channel } from '../embedded/channel.js'
import { serveChannel } from '../embedded/channel-server.js'
import type { EmbeddedStore } from '../embedded/embedded-store.js'
import type { CoordinationStore } from '../store.js'
import { isWorkerBody, type HostBody } from './host-body.js'
import type { PlaceHolder, WorkerPlaces } from './worker-places.js'

/** What a session needs of the launcher's coordination: see host-coordination.ts. */
export interface SessionHost {
  readonly embedded: EmbeddedStore | undefined
  readonly places: WorkerPlaces
  store(): Promise<CoordinationStore>
  bury(session: WorkerSession, notes: readonly LeaseNote[]): Promise<void>
}

export interface SessionOptions {
  readonly number: number
  /** Sends to the worker. */
  readonly send: (body: unknown) => void
  /** When the worker last said that its loop runs, in `Clock.now()` ms; undefined before it was ready. */
  readonly lastBeat: () => number | undefined
  /** How often it should. */
  readonly heartbeatIntervalMs: number
}

/** The end of a channel, as who holds the other end hears it. */
interface StoreEnd {
  readonly hear: (message: unknown) => void
  readonly close: () => void
}

/** A worker that has not beaten for so long, or for three beats, is left out of its groups, as it would be if it beat for itself. */
const SILENT_MS = 15_000

/** The launcher's end of one worker's link, from its fork to its death. */
export class WorkerSession implements PlaceHolder {
  readonly number: number
  readonly #host: SessionHost
  readonly #options: SessionOptions
  /** Coordinators of the worker that use the store of the launcher, by their number on the link. */
  readonly #stores = new Map<number, StoreEnd>()
  readonly #clients = new Set<number>()
  #dead = false

  constructor(host: SessionHost, options: SessionOptions) {
    this.number = options.number
    this.#host = host
    this.#options = options
  }

  /** Before it is ready a worker does not beat: then `boot_timeout` judges it. */
  silent(now: number): boolean {
    const lastBeat = this.#options.lastBeat()
    return lastBeat !== undefined && now - lastBeat > Math.max(SILENT_MS, 3 * this.#options.heartbeatIntervalMs)
  }

  rejoined(group: string): void {
    for (const client of this.#clients) this.#send(client, { kind: 'rejoined', group })
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
        await this.#host.places.put(this, body)
        return true
      })
      case 'remove': return void this.#answer(client, body.call, () => this.#host.places.remove(this, body))
      case 'bye': return this.#forget(client)
    }
  }

  /** The worker is dead; `notes` is what its register held. */
  async died(notes: readonly LeaseNote[]): Promise<void> {
    this.#dead = true
    for (const client of [...this.#clients]) this.#forget(client)
    await this.#host.bury(this, notes)
  }

  #forget(client: number): void {
    this.#stores.get(client)?.close()
    this.#stores.delete(client)
    this.#clients.delete(client)
  }

  #storeOf(client: number): StoreEnd | undefined {
    const { embedded } = this.#host
    if (!embedded) return undefined
    const known = this.#stores.get(client)
    if (known) return known
    let hear: StoreEnd['hear'] = () => {}
    let close: StoreEnd['close'] = () => {}
    const channel: Channel = {
      send: (message) => this.#send(client, { kind: 'store', message }),
      onMessage: (listener) => { hear = listener },
      onClose: (listener) => { close = () => listener('other end') },
    }
    serveChannel(embedded, channel, `worker ${this.number}, client ${client}`)
    const made = { hear: (message: unknown) => hear(message), close: () => close() }
    this.#stores.set(client, made)
    return made
  }

  async #answer(client: number, call: number, work: () => Promise<boolean>): Promise<void> {
    const body: HostBody = await work().then(
      (result) => ({ kind: 'answer', call, result }),
      (error: unknown) => ({ kind: 'failure', call, code: codeOf(error) ?? 'COORDINATION_UNAVAILABLE', message: messageOf(error) }),
    )
    if (!this.#dead) this.#send(client, body)
  }

  #send(client: number, body: HostBody): void {
    this.#options.send({ client, body })
  }
}
