import { withOptions, type Remote } from 'reeve/tpool'
import type * as blockingVolume from './blocking-volume.js'
import type { ReadBack } from './blocking-volume.js'
import { volumeMissing, volumeRotten } from './errors.js'
import type { VolumeAct } from './errors.js'
import type { VolumeEntry } from './open-volume.js'
import type { StoredVolume, VolumeStore } from './volume-store.js'

/** The module's functions, in threads. */
export type BlockingVolume = Remote<typeof blockingVolume>

export interface VolumeCopiesOptions {
  readonly store: VolumeStore
  /** Called when it is first needed, as a thread takes time and 10 MiB; again after a failure. */
  readonly load: () => Promise<BlockingVolume>
  /** What a flatten reads and writes at most. Default: no limit. */
  readonly flattenBytesPerSecond?: number
}

/**
 * What goes through all bytes of a volume, in threads, so that the loop goes on.
 * A clone and a flatten take their turn among the changes of their volume.
 */
export class VolumeCopies {
  readonly #store: VolumeStore
  readonly #load: () => Promise<BlockingVolume>
  readonly #flattenBytesPerSecond: number
  #loading: Promise<BlockingVolume> | undefined

  constructor({ store, load, flattenBytesPerSecond = Number.POSITIVE_INFINITY }: VolumeCopiesOptions) {
    this.#store = store
    this.#load = load
    this.#flattenBytesPerSecond = flattenBytesPerSecond
  }

  /**
   * Stores what lies under `name` under the free name `to` as well; durable when it resolves.
   *
   * @throws CodedError VOLUME_NOT_FOUND, VOLUME_ROTTEN, VOLUME_EXISTS; system errors
   */
  async clone(name: string, to: string): Promise<StoredVolume> {
    return await this.#store.turns.take(name, async () => {
      await this.#existing(name, 'clone')
      const blocking = await this.#blocking()
      return await this.#store.create(to, (draft) => orMissing(name, 'clone', blocking.copy(this.#store.pathOf(name), draft)))
    })
  }

  /**
   * Gives a volume bytes that it shares with no other. Stopped at any moment, it has changed nothing.
   *
   * @throws CodedError VOLUME_NOT_FOUND, VOLUME_ROTTEN; the signal's reason; system errors
   */
  async flatten(name: string, signal: AbortSignal): Promise<VolumeEntry> {
    return await this.#store.turns.take(name, async () => {
      await this.#existing(name, 'flatten')
      const blocking = withOptions(await this.#blocking(), { signal })
      const { sizeBytes, sha256, storedSha256 } = await orMissing(name, 'flatten', blocking.flatten(this.#store.pathOf(name), this.#flattenBytesPerSecond))
      if (sha256 !== storedSha256) throw volumeRotten(name, 'flatten', `the sha256 must be ${String(storedSha256)}: ${sha256}`)
      return { name, sizeBytes, sha256, rotten: false }
    })
  }

  /** @throws CodedError VOLUME_NOT_FOUND; the signal's reason; system errors */
  async checksum(name: string, signal: AbortSignal): Promise<ReadBack> {
    await this.#existing(name, 'read')
    const blocking = withOptions(await this.#blocking(), { signal })
    return await orMissing(name, 'read', blocking.checksum(this.#store.pathOf(name)))
  }

  async #blocking(): Promise<BlockingVolume> {
    this.#loading ??= this.#load()
    try {
      return await this.#loading
    } catch (error) {
      this.#loading = undefined
      throw error
    }
  }

  /** Before a thread is given a path that may be a directory, a fifo or nothing. */
  async #existing(name: string, act: VolumeAct): Promise<void> {
    const volume = await this.#store.open(name)
    await volume?.close()
    if (volume === undefined) throw volumeMissing(name, act)
    if (volume.entry.rotten && act !== 'read') throw volumeRotten(name, act)
  }
}

/** Another process may have removed it since it was seen. */
async function orMissing<T>(name: string, act: VolumeAct, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof Error && 'code' in error && error.code === 'ENOENT' ? volumeMissing(name, act) : error
  }
}
