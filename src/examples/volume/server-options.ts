import type { ServiceContext } from 'reeve'
import type { VolumeCopies } from './volume-copies.js'
import type { VolumeStore } from './volume-store.js'

export interface VolumeServerOptions {
  readonly store: VolumeStore
  readonly copies: VolumeCopies
  /** Uploads and copies are tracked, so that a drain waits for them and can name them. Every request takes a place in the pool. */
  readonly context: Pick<ServiceContext, 'track' | 'log' | 'pool'>
  readonly maxVolumeBytes: number
  /** A connection over which nothing moves for so long, in either direction, is cut. In ms. */
  readonly idleTimeoutMs: number
}
