/** How a process ended. One of the two is null. */
export interface ExecExit {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

/** What a command left behind. */
export interface ExecResult<Output> extends ExecExit {
  /** What was kept: all of it, or its tail when `truncated` says so; empty for an output that was counted or handed on. */
  readonly stdout: Output
  readonly stderr: Output
  /** Bytes that came. */
  readonly bytes: { readonly stdout: number; readonly stderr: number }
  /** Bytes that are missing at the front, as there were more than `maxOutputBytes`. */
  readonly truncated: { readonly stdout: number; readonly stderr: number }
  /** Reads of standard output. */
  readonly reads: number
  /** From its start to its end, output included, in ms; of the last attempt. */
  readonly durationMs: number
  /** How often it was run, at least 1. */
  readonly attempts: number
}
