/** What a fleet of a benchmark is made of. */
export interface FleetPlan {
  readonly workers: number
  /** Free TCP port of 127.0.0.1 that the fleet serves. */
  readonly port: number
  /** A directory of the fleet's own: logs, sockets, pm2's home. */
  readonly directory: string
  /** Complete: nothing else is inherited. */
  readonly env: NodeJS.ProcessEnv
  /** Limit of open descriptors for the supervisor and its workers. Default: inherited. */
  readonly descriptors?: number | undefined
}

/** A way to run the tiny server in several processes. */
export interface Contender {
  readonly name: string
  /** Why it cannot run here; undefined when it can. */
  readonly missing?: string | undefined
  /** Does what is not part of a start (pm2's daemon is warm); starts no worker. */
  prepare(plan: FleetPlan): Promise<Supervisor>
}

/** A contender's parent process: primary, daemon or launcher. */
export interface Supervisor {
  /** Begins to start the workers, and returns at once. */
  start(): void
  /** Of the parent process, once started. */
  readonly pid: number
  /** Begins a rolling reload; undefined where the contender has none. */
  readonly reload: (() => void) | undefined
  /** Asks for the end, and resolves when the parent has ended, or has had 10 s for it. */
  stop(): Promise<void>
}
