import type { OptionGroup } from '../base/option.js'

export interface ThreadPoolOptions {
  /** The most threads there ever are; each is started when it is first needed. Default 20. */
  readonly threads?: number
  /** Calls that may wait. Default 1024. */
  readonly maxQueue?: number
  /**
   * What a call over `maxQueue` meets: it waits like any other (a producer that
   * wants to be held back awaits `room()`), or it is refused with `QUEUE_FULL`.
   * Default `wait`.
   */
  readonly whenFull?: 'wait' | 'reject'
  /** After this wait, in ms, a call goes before all younger ones, whatever their priority. Default 1000. */
  readonly ageBoundMs?: number
  /** How long a thread that is ended may take, in ms, before it is condemned: no longer counted as one of `threads`. Default 1000. */
  readonly abortGraceMs?: number
  /** A module whose exported `init(data)` runs in each thread before its first call. */
  readonly init?: ThreadInit
  /** Of each thread: `maxOldGenerationSizeMb` and so on. */
  readonly resourceLimits?: ThreadResourceLimits
  /** For threads' names, messages and statistics. Default `tpool`. */
  readonly name?: string
}

export interface ThreadInit {
  readonly module: URL
  /** Given to `init`; copied to each thread. */
  readonly data?: unknown
}

/** In MiB. @see node:worker_threads, ResourceLimits */
export interface ThreadResourceLimits {
  readonly maxYoungGenerationSizeMb?: number
  readonly maxOldGenerationSizeMb?: number
  readonly codeRangeSizeMb?: number
  readonly stackSizeMb?: number
}

/** How one call is made; see `withOptions()`. */
export interface CallOptions {
  /** Takes a waiting call out of the queue, and ends the thread of a running one. The call rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** From the call to its answer, in ms; then as with `signal`, with `CALL_TIMEOUT`. Default: none. */
  readonly timeoutMs?: number
  /** Higher goes first. Default 0. */
  readonly priority?: number
  /** What in the arguments is moved to the thread, not copied; it is empty here afterwards. */
  readonly transfer?: readonly ArrayBuffer[] | undefined
  /** Of an iterable: how many items at most are taken from it before they are asked for. Default 0. */
  readonly readAhead?: number
}

export interface ProxyOptions {
  /** For messages and statistics. Default: the file's name without its extension. */
  readonly name?: string
  /** Classes that the module does not export, but whose objects its functions return: by their names. */
  readonly remote?: readonly string[]
  /** Exported functions that are cheap and never block: they run at once, in the caller's own thread. */
  readonly inline?: readonly string[]
  /** The method that gives an object back. Default: `Symbol.asyncDispose`, else `Symbol.dispose`, of the object. */
  readonly dispose?: string
}

export interface ResolvedThreadPoolOptions {
  readonly threads: number
  readonly maxQueue: number
  readonly whenFull: 'wait' | 'reject'
  readonly ageBoundMs: number
  readonly abortGraceMs: number
  readonly init: ThreadInit | undefined
  readonly resourceLimits: ThreadResourceLimits | undefined
  readonly name: string
}

const DEFAULTS: ResolvedThreadPoolOptions = {
  threads: 20, maxQueue: 1_024, whenFull: 'wait', ageBoundMs: 1_000, abortGraceMs: 1_000,
  init: undefined, resourceLimits: undefined, name: 'tpool',
}

/** @throws RangeError */
export function resolveThreadPoolOptions(options: ThreadPoolOptions = {}): ResolvedThreadPoolOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const resolved: ResolvedThreadPoolOptions = { ...DEFAULTS, ...given }
  const { threads, maxQueue, whenFull, ageBoundMs, abortGraceMs } = resolved
  if (!Number.isInteger(threads) || threads < 1) throw badOption('threads', 'a whole number of at least 1', threads)
  if (!(maxQueue >= 1)) throw badOption('maxQueue', 'at least 1', maxQueue)
  if (!['wait', 'reject'].includes(whenFull)) throw badOption('whenFull', 'wait or reject', whenFull)
  if (!(ageBoundMs >= 0)) throw badOption('ageBoundMs', 'at least 0', ageBoundMs)
  if (!(abortGraceMs >= 0 && abortGraceMs < 2 ** 31)) throw badOption('abortGraceMs', 'from 0 to 2147483647', abortGraceMs)
  return resolved
}

/** @throws RangeError */
export function checkCallOptions({ timeoutMs, priority, readAhead }: CallOptions): void {
  if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs < 2 ** 31)) throw badOption('timeoutMs', 'above 0 and below 2147483648', timeoutMs)
  if (priority !== undefined && !Number.isFinite(priority)) throw badOption('priority', 'a number', priority)
  if (readAhead !== undefined && !(Number.isInteger(readAhead) && readAhead >= 0)) throw badOption('readAhead', 'a whole number of at least 0', readAhead)
}

function badOption(name: string, rule: string, value: unknown): RangeError {
  return new RangeError(`Cannot use the option "${name}" as it is ${rule}: ${String(value)}`)
}

/** The pool's size in a configuration: of the process's own pool, and of a back end's. */
export const threadPoolOptions = {
  native_threads: {
    type: 'integer', default: 20, min: 1,
    help: 'Threads of a worker for blocking calls. They are started when they are needed.',
  },
  backend_native_threads_pool_size: {
    type: 'integer', default: 20, min: 1,
    help: 'Threads for the blocking calls of one back end, where it has a pool of its own. Read before its driver is loaded.',
  },
} as const satisfies OptionGroup
