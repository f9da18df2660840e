import type { ServiceContext } from 'reeve'
import type { VolumeStore } from './volume-store.js'

export interface ScrubberOptions {
  readonly store: VolumeStore
  readonly log: ServiceContext['log']
  /** Whether this worker is the one that scrubs `name`, by what it knows now. */
  readonly isMine: (name: string) => Promise<boolean>
  /** Runs `work` while nobody else scrubs `name`; not at all when somebody does. */
  readonly alone: (name: string, work: (lost: AbortSignal) => Promise<void>) => Promise<void>
}

/**
 * Reads volumes back and reports those that are no longer what was stored: bits
 * that rot on the disk make no noise of their own.
 *
 * The workers, of all hosts, share the work by a hash ring over their group: a name
 * is the task of whoever the ring gives it to. While workers come and go two may
 * take a name for theirs; a lock for each name keeps them from reading it both at
 * once. A round takes the names there are at its beginning, one a call.
 */
export class Scrubber {
  readonly #options: ScrubberOptions
  #round: string[] = []

  constructor(options: ScrubberOptions) {
    this.#options = options
  }

  /** Scrubs the next volume of this worker's share, if there is one. Rejects with the signal's reason. */
  async scrubNext(signal: AbortSignal): Promise<void> {
    if (this.#round.length === 0) this.#round = await this.#share()
    const name = this.#round.shift()
    if (name !== undefined) await this.#options.alone(name, (lost) => this.#scrub(name, AbortSignal.any([signal, lost])))
  }

  async #share(): Promise<string[]> {
    const { store, isMine } = this.#options
    const mine: string[] = []
    for (const name of await store.names()) if (await isMine(name)) mine.push(name)
    return mine
  }

  /** Logs `volume.rot` before it marks: a disk that goes bad is often read-only by then. */
  async #scrub(name: string, signal: AbortSignal): Promise<void> {
    const { store, log } = this.#options
    const volume = await store.open(name)
    if (volume === undefined) return
    try {
      const finding = await volume.verify(signal)
      if (finding.rotten) log.error('volume.rot', { volume: name, reason: finding.reason })
      else if (volume.entry.rotten) log.info('volume.healed', { volume: name })
      await volume.mark(finding.rotten)
    } finally {
      await volume.close()
    }
  }
}
