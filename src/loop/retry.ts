import { systemClock, type Clock } from '../base/clock.js'
import { codeOf } from '../base/errors.js'
import { isLoopingCallDone } from './looping-call-done.js'

export interface RetryOptions {
  /** Calls after the first; -1: without end. Default -1. */
  readonly maxRetries?: number
  /** The pause before the k-th retry is k times this, in ms. Default 10 000. */
  readonly incSleepMs?: number
  /** The longest pause, in ms. Default 60 000. */
  readonly maxSleepMs?: number
  /** Retries errors of these codes, beside those of `exceptions`. Without either, any error is retried. */
  readonly codes?: readonly string[]
  /** Says whether an error is one to retry after. */
  readonly exceptions?: (error: unknown) => boolean
  /** Ends the pause, and is handed to the function; it then rejects with its reason. */
  readonly signal?: AbortSignal
  /** Default: the monotonic clock of the system. */
  readonly clock?: Clock
  /** Told before each pause. */
  readonly onRetry?: (retry: Retry) => void
}

/** A retry that is about to be made. */
export interface Retry {
  readonly error: unknown
  /** 1 for the first. */
  readonly retry: number
  readonly sleepMs: number
}

/** The shortest pause, in ms: to let timers and I/O run, whatever is asked for. */
const MIN_SLEEP_MS = 1

/**
 * Calls `fn` until it succeeds, and gives back what it gave. An error that is not one
 * to retry after, or that comes after the last retry, is thrown as it is. The
 * function may end the retries itself with `LoopingCallDone`, whose value is the result.
 *
 * All state is this call's own: what failed before has no say in how often, and after
 * which pause, this one is retried.
 *
 * ```ts
 * await retry(() => connect(url), { maxRetries: 5, incSleepMs: 200, codes: ['ECONNREFUSED'], signal })
 * ```
 *
 * @throws the signal's reason; RangeError for options that cannot be
 * @see oslo.service loopingcall.py, RetryDecorator
 */
export async function retry<T>(fn: (signal: AbortSignal, retry: number) => T | Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { maxRetries, incSleepMs, maxSleepMs, signal, clock, onRetry } = resolveRetry(options)
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted()
    try {
      return await fn(signal, attempt)
    } catch (error) {
      if (isLoopingCallDone(error)) return error.value as T
      signal.throwIfAborted()
      if (attempt === maxRetries || !isRetried(error, options)) throw error
      const sleepMs = Math.max(MIN_SLEEP_MS, Math.min((attempt + 1) * incSleepMs, maxSleepMs))
      onRetry({ error, retry: attempt + 1, sleepMs })
      await clock.sleep(sleepMs, signal)
    }
  }
}

/** `fn`, each call of which is retried as by `retry`, with state of its own. */
export function withRetry<This, Parameters extends unknown[], T>(
  fn: (this: This, ...parameters: Parameters) => T | Promise<T>, options: RetryOptions = {},
): (this: This, ...parameters: Parameters) => Promise<T> {
  resolveRetry(options)
  return function (...parameters) {
    return retry(() => fn.apply(this, parameters), options)
  }
}

function isRetried(error: unknown, { codes, exceptions }: RetryOptions): boolean {
  if (!codes && !exceptions) return true
  const code = codeOf(error)
  return (code !== undefined && codes?.includes(code) === true) || exceptions?.(error) === true
}

type ResolvedRetry = Required<Omit<RetryOptions, 'codes' | 'exceptions'>>

function resolveRetry(options: RetryOptions): ResolvedRetry {
  const { maxRetries = -1, incSleepMs = 10_000, maxSleepMs = 60_000, signal = new AbortController().signal, clock = systemClock, onRetry = () => {} } = options
  const isCount = maxRetries === Infinity || (Number.isInteger(maxRetries) && maxRetries >= -1)
  if (!isCount) throw new RangeError(`Cannot retry as maxRetries is a whole number, or -1 for no end: ${String(maxRetries)}`)
  checkSleep('incSleepMs', incSleepMs)
  checkSleep('maxSleepMs', maxSleepMs)
  return { maxRetries, incSleepMs, maxSleepMs, signal, clock, onRetry }
}

function checkSleep(option: string, ms: number): void {
  if (ms >= 0 && Number.isFinite(ms)) return
  throw new RangeError(`Cannot retry as ${option} must be finite and not below 0: ${String(ms)}`)
}
