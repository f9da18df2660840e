import { systemClock } from '../../base/clock.js'
import { messageOf } from '../../base/errors.js'
import type { LeaseNote } from '../../ipc/lease-register.js'
import type { CoordinationLog } from '../contract.js'
import type { CoordinationStore } from '../store.js'

export interface DeadLeasesOptions {
  readonly store: () => Promise<CoordinationStore>
  /** The longest lease: after that there is nothing left to give back. */
  readonly maxTtlMs: number
  readonly log: CoordinationLog
}

/** Between two attempts while the store is away, in ms. */
const RETRY_MS = 200
/** What a worker had sent when it died may reach the store after the release: it is released once more after so long, in ms. */
const STRAGGLER_MS = 1_000

/** Gives back what dead workers may have held. A lease that had ended already is no fault. */
export class DeadLeases {
  readonly #options: DeadLeasesOptions
  readonly #stopping = new AbortController()
  readonly #burials = new Set<Promise<void>>()

  constructor(options: DeadLeasesOptions) {
    this.#options = options
  }

  release(notes: readonly LeaseNote[]): Promise<void> {
    const burial = this.#release(notes).finally(() => this.#burials.delete(burial))
    this.#burials.add(burial)
    return burial
  }

  /** What was tried once is not tried again. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.allSettled(this.#burials)
  }

  async #release(notes: readonly LeaseNote[]): Promise<void> {
    const end = systemClock.now() + this.#options.maxTtlMs
    let left = notes
    let told = false
    while (left.length > 0 && systemClock.now() < end) {
      left = await this.#tryAll(left).catch((error: unknown) => {
        if (!told) this.#options.log.warn(`leases of a dead worker are not released yet: ${messageOf(error)}`)
        told = true
        return left
      })
      if (left.length > 0 && !await this.#sleep(RETRY_MS)) return
    }
    if (await this.#sleep(STRAGGLER_MS)) await this.#tryAll(notes).catch(() => { /* Its time will end it. */ })
  }

  /** Those whose release failed. */
  async #tryAll(notes: readonly LeaseNote[]): Promise<readonly LeaseNote[]> {
    const store = await this.#options.store()
    const results = await Promise.allSettled(notes.map(({ name, id }) => store.release({ name, id, unclean: true })))
    return notes.filter((_, index) => results[index]?.status === 'rejected')
  }

  /** False: stopped meanwhile. */
  async #sleep(ms: number): Promise<boolean> {
    return await systemClock.sleep(ms, this.#stopping.signal).then(() => true, () => false)
  }
}
