import type { ConfigSnapshot } from './config.js'
import type { UnclaimedEntry } from './raw-config.js'

/**
 * What the launcher hands to its workers: the values of the options that it knows,
 * checked, and all that it does not know, for options that the service declares.
 * Plain data. Secrets are in clear in it.
 */
export interface ConfigHandoff {
  readonly snapshot: ConfigSnapshot
  readonly unclaimed: readonly UnclaimedEntry[]
  /** There is one service: what it does not claim, nobody does. */
  readonly isOnlyService: boolean
}
