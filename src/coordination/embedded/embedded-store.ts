import { systemClock, type Clock } from '../../base/clock.js'
import { EmbeddedClient } from './embedded-client.js'
import { EmbeddedHub } from './embedded-hub.js'

export interface EmbeddedStoreOptions {
  /** Monotonic. Default: the system's. */
  readonly clock?: Clock
  /** ms since 1970, asked once, at the start. Default `Date.now`. */
  readonly wallClock?: () => number
  /** For so long nothing is granted: as long as leases can still count that another store has given. Default 0. */
  readonly quarantineMs?: number
  /** The longest lease that a client over a channel may ask for, in ms. Default and most: 3 600 000. */
  readonly maxTtlMs?: number
}

const MAX_TTL_MS = 3_600_000

/**
 * The driver `embedded:`: leases and groups in the memory of this process, which is
 * itself one of the store's clients. Others come by `client()`, or over a channel by
 * `serveChannel()`.
 *
 * Guaranteed: what every store guarantees, for as long as this process lives; the
 * death of a client is seen at once. Not guaranteed: that anything is remembered
 * afterwards. Fences grow across restarts if the wall clock is not set back.
 *
 * A timer runs while somebody holds or waits. It ends with the last client that goes, or with `close()`.
 */
export class EmbeddedStore extends EmbeddedClient {
  readonly maxTtlMs: number
  readonly #hub: EmbeddedHub

  constructor({ clock = systemClock, wallClock = Date.now, quarantineMs = 0, maxTtlMs = MAX_TTL_MS }: EmbeddedStoreOptions = {}) {
    const hub = new EmbeddedHub({ clock, wallClock, quarantineMs })
    super(hub, 'its own process')
    this.#hub = hub
    this.maxTtlMs = maxTtlMs
  }

  /** Tells this store from every other one, in this process or elsewhere. */
  get id(): string {
    return this.#hub.id
  }

  /** How many requests hold or wait. */
  get requests(): number {
    return this.#hub.requests
  }

  /** See StoreStatus. */
  get quarantinedMs(): number {
    return this.#hub.leases.quarantinedMs(this.#hub.now)
  }

  /** A further participant, whose leases are its own. `name` is for messages. */
  client(name: string): EmbeddedClient {
    return new EmbeddedClient(this.#hub, name)
  }

  /** For all its clients. What is held is forgotten. */
  override async close(): Promise<void> {
    await super.close()
    await this.#hub.close()
  }
}
