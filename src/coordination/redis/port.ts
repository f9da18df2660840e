/**
 * What the Redis driver needs of a Redis: a few verbs, so that standalone, Sentinel
 * and Cluster differ in one file, and another client library could be put under it.
 *
 * Every call rejects within the command's deadline with COORDINATION_UNAVAILABLE
 * (it may have been executed), or with COORDINATION_REFUSED when the server said no.
 * No command is ever sent twice, or kept for a later connection.
 */
export interface RedisPort {
  readonly kind: 'standalone' | 'sentinel' | 'cluster'
  /** What every key and channel begins with: `reeve`. */
  readonly prefix: string
  /** The channel of this process, on which its waiting requests are woken. */
  readonly wakeChannel: string
  /**
   * What acquires carry to show that they know which server this is (see epoch.ts):
   * empty in Cluster, where it cannot be checked; undefined before it was verified.
   */
  readonly epoch: Epoch | undefined
  /** Verifies again, after a script has answered that the epoch is another. One at a time. */
  verifyEpoch(): Promise<void>
  /** EVALSHA; EVAL when the server does not know the script. */
  run(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>
  /** The same on a connection of its own, with WAIT behind it. `replicas`: how many have it. */
  runDurably(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): Promise<{ readonly reply: unknown; readonly replicas: number }>
  /** Any other command with a key in `args[0]`. */
  command(name: string, ...args: readonly (string | number)[]): Promise<unknown>
  /** Several commands in one round trip where they go to one server; answers in their order. */
  commands(commands: readonly (readonly [name: string, ...args: readonly (string | number)[]])[]): Promise<readonly unknown[]>
  /** Keys that match, of every master, each once. */
  scan(pattern: string): Promise<readonly string[]>
  subscribe(channel: string, listener: (message: string) => void): Promise<() => void>
  /** Called after a lost subscription works again. */
  onGap(listener: () => void): () => void
  status(): { readonly connected: boolean; readonly url: string; readonly warnings: readonly string[] }
  close(): Promise<void>
}

export interface Epoch {
  /** The text of the epoch key, as the scripts compare it. */
  readonly value: string
  /** The end of the quarantine by the server's clock, ms since 1970; 0: none. */
  readonly until: number
}

export interface RedisScript {
  readonly name: string
  /** The text without its `#!lua` line, which is put in front where the server knows it (7.0). */
  readonly lua: string
  /** Flags of that line: `allow-oom`, `no-writes`. */
  readonly flags: readonly string[]
}
