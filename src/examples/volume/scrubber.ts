import { createHash } from 'node:crypto'
import type { ServiceContext } from 'reeve'
import type { VolumeStore } from './volume-store.js'

export interface ScrubberOptions {
  readonly store: VolumeStore
  readonly log: ServiceContext['log']
  /** This worker's slot, 0…workers-1. */
  readonly workerId: number
  readonly workers: number
}

/**
 * Reads volumes back and reports those that are no longer what was stored: bits
 * that rot on the disk make no noise of their own.
 *
 * The workers share the work without a word: a name belongs to the slot that its
 * hash gives. While their number changes, until all know it, a volume may be
 * scrubbed twice or wait for the next reload. A round takes the names there are
 * at its beginning, one a call.
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
    if (name !== undefined) await this.#scrub(name, signal)
  }

  async #share(): Promise<string[]> {
    const { store, workerId, workers } = this.#options
    return (await store.names()).filter((name) => slotOf(name, workers) === workerId)
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

/** The slot, 0…workers-1, that scrubs `name`. */
export function slotOf(name: string, workers: number): number {
  return createHash('sha256').update(name).digest().readUInt32BE() % workers
}
