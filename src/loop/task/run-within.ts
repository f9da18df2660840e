import type { Clock } from '../../base/clock.js'
import { LoopError } from '../errors.js'
import { LinkedAbort } from './linked-abort.js'

export interface RunLimits {
  /** Of the task. */
  readonly name: string
  readonly signal: AbortSignal
  /** Infinity: none. */
  readonly timeoutMs: number
  readonly clock: Clock
  /** Told at the moment when the time is over: the run may not end then. */
  readonly onTimeout: () => void
}

/**
 * Runs `fn`, whose signal aborts with `signal`, and with TASK_TIMEOUT when its time is
 * over. Waits for its end in any case, so that the next run cannot overlap it.
 *
 * @throws what `fn` throws; TASK_TIMEOUT when it ended after its time, however it did
 */
export async function runWithin(fn: (signal: AbortSignal) => unknown, { name, signal, timeoutMs, clock, onTimeout }: RunLimits): Promise<unknown> {
  if (timeoutMs === Infinity) return await fn(signal)
  using run = new LinkedAbort([signal])
  const ended = new AbortController()
  let timeout: LoopError | undefined
  const limit = clock.sleep(timeoutMs, ended.signal).then(() => {
    if (signal.aborted) return
    timeout = new LoopError('TASK_TIMEOUT', `Cannot go on with the run of "${name}" as its time is over: ${timeoutMs} ms`, { details: { task: name, timeoutMs } })
    run.abort(timeout)
    onTimeout()
  }, () => {})
  let result: unknown
  try {
    result = await fn(run.signal)
  } catch (error) {
    throw timeout && error !== timeout ? new LoopError(timeout.code, timeout.message, { details: timeout.details, cause: error }) : error
  } finally {
    ended.abort()
    await limit
  }
  if (timeout) throw timeout
  return result
}
