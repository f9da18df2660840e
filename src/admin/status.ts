/** What `launcher status --json` prints: the answer of the control method `status`. */
export interface LauncherStatus {
  readonly name: string
  readonly pid: number
  readonly state: 'starting' | 'running' | 'reloading' | 'stopping'
  readonly generation: number
  readonly workersWanted: number
  readonly workersReady: number
  readonly sockets: readonly { readonly name: string; readonly url: string }[]
  readonly workers: readonly WorkerStatus[]
  /** Where locks, leaders and groups are kept; absent while no worker uses any. */
  readonly coordination?: CoordinationStatus
}

export interface CoordinationStatus {
  /** Without its password. */
  readonly url: string
  readonly connected: boolean
  /** Nothing is granted for so long, as the store may have forgotten leases; 0: it is. */
  readonly quarantinedMs: number
  readonly warnings: readonly string[]
}

export interface WorkerStatus {
  readonly service: string
  /** The slot. */
  readonly workerId: number
  /** Null while no process is there. */
  readonly pid: number | null
  readonly generation: number
  readonly state: 'waiting' | 'starting' | 'ready' | 'stopping' | 'killed' | 'stopped'
  /** How long it has been in this state, in ms. */
  readonly sinceMs: number
  /** Processes that this slot has had before the present one, reloads included. */
  readonly restarts: number
  readonly lastExit: LastExit | null
  readonly rssBytes: number | null
  /** How late the worker's last beat was, in ms: its event loop was busy for that long. */
  readonly loopDelayMs: number | null
  /** Since the worker's last beat, in ms. */
  readonly lastBeatMs: number | null
}

export interface LastExit {
  readonly code: number | null
  readonly signal: string | null
  /** ISO 8601, the wall clock. */
  readonly at: string
}
