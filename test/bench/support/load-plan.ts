/** What a load generator is asked to do: the same text for both of its ends. */
export interface LoadPlan {
  /** Of 127.0.0.1. */
  readonly port: number
  readonly connections: number
  /**
   * `keep-alive`: a connection sends its next request when it has an answer, or when its turn comes (`perSecond`).
   * `new-connections`: each request goes over a connection of its own, `connections` of them at a time.
   */
  readonly style: 'keep-alive' | 'new-connections'
  /** Requests a second over all connections, in turn. Default: as many as are answered. */
  readonly perSecond?: number
  /** From the first to the last request that counts. Default: until `finish()`. */
  readonly durationMs?: number
  /** Load before that, which does not count. */
  readonly warmUpMs: number
}

/** What it saw. Latencies are from a request's sending to its last byte; ms. */
export interface LoadResult {
  readonly requests: number
  readonly elapsedMs: number
  /** Requests and connections without a whole answer of status 200, by reason; from the first connection on. */
  readonly failures: Readonly<Record<string, number>>
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}
