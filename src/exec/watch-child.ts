import type { Child } from './child.js'
import { pumpInput } from './input.js'
import type { ResolvedRun } from './options.js'
import type { ExecExit } from './result.js'

/** Why a child was stopped before it had ended. */
export type StopReason =
  | { readonly name: 'timeout' }
  | { readonly name: 'abort'; readonly reason: unknown }
  | { readonly name: 'input'; readonly error: unknown }

export interface ChildEnd {
  readonly exit: ExecExit
  /** Undefined: it ended of itself. */
  readonly stopped: StopReason | undefined
}

/** Feeds the child, and waits for its end, or brings it about: at the deadline, at the signal, when there is no more input to be had. */
export async function watchChild(child: Child, run: ResolvedRun): Promise<ChildEnd> {
  const over = new AbortController()
  let stopped: StopReason | undefined
  const stop = (reason: StopReason): void => {
    stopped ??= reason
    void child.stop()
  }
  const abort = (): void => stop({ name: 'abort', reason: run.signal?.reason })
  if (run.signal?.aborted === true) abort()
  run.signal?.addEventListener('abort', abort, { once: true })
  if (run.timeoutMs !== undefined) {
    // One that ended in time has only its output to be read: that takes as long as its reader takes.
    run.clock.sleep(run.timeoutMs, over.signal).then(() => { if (child.isAlive) stop({ name: 'timeout' }) }, () => {})
  }
  if (child.stdin && run.processInput !== undefined) {
    pumpInput(child.stdin, run.processInput).catch((error: unknown) => { if (child.isAlive) stop({ name: 'input', error }) })
  }
  const exit = await child.ended
  over.abort()
  run.signal?.removeEventListener('abort', abort)
  return { exit, stopped }
}

/** Starts to run what the caller wants to know of; should that throw, the child does not stay. */
export async function tellStart(child: Child, run: ResolvedRun): Promise<void> {
  run.log?.debug(`started ${run.line.shown}`, { event: 'exec.started', command: run.line.shown, pid: child.pid })
  try {
    run.onSpawn?.(child.pid)
  } catch (error) {
    child.stdout.destroy()
    child.stderr.destroy()
    await child.stop()
    throw error
  }
}

export function tellEnd(child: Child, run: ResolvedRun, exit: ExecExit): void {
  const durationMs = Math.round(child.ageMs)
  run.log?.debug(`${run.line.shown} ended after ${durationMs} ms with ${exit.signal ?? exit.exitCode ?? 'no code'}`, { event: 'exec.ended', command: run.line.shown, pid: child.pid, durationMs, ...exit })
  run.onExit?.({ pid: child.pid, ...exit })
}
