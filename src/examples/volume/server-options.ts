import type { ServiceContext } from 'reeve'
import type { VolumeStore } from './volume-store.js'

export interface VolumeServerOptions {
  readonly store: VolumeStore
  /** Uploads are tracked, so that a drain waits for them and can name them. */
  readonly context: Pick<ServiceContext, 'track' | 'log'>
  readonly maxVolumeBytes: number
  /** A connection over which nothing moves for so long, in either direction, is cut. In ms. */
  readonly idleTimeoutMs: number
}
