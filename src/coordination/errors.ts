/** Codes of `reeve/coordination`. */
export type CoordinationErrorCode =
  /** The store could not be asked, or did not answer in time; what was asked may have happened. */
  | 'COORDINATION_UNAVAILABLE'
  /** A URL that is wrong, or of a driver that there is not. */
  | 'COORDINATION_URL_INVALID'
  /** `safety: 'strict'` over a store that cannot keep what it acknowledged. */
  | 'COORDINATION_UNSAFE'
  /** The store refused: no rights, not enough memory, a version that is too old. */
  | 'COORDINATION_REFUSED'
  /** `durability: 'replica'`: no replica took it in time; it was given back. */
  | 'COORDINATION_NOT_REPLICATED'
  | 'COORDINATOR_STOPPED'
  /** It was not got within `timeoutMs`. */
  | 'LOCK_TIMEOUT'
  /** The lease is over, or could be. */
  | 'LOCK_LOST'
  /** Its other users have another limit, or use it as another kind of lock. */
  | 'LOCK_CAPACITY_MISMATCH'
  | 'LOCK_NOT_FOUND'
  | 'GROUP_NOT_FOUND'
  | 'GROUP_NOT_EMPTY'
  | 'GROUP_ALREADY_JOINED'
  | 'GROUP_NOT_JOINED'
  | 'SERVICE_NOT_FOUND'
  /** The resource has seen a newer fence: this holder is not the last one. */
  | 'FENCE_STALE'
