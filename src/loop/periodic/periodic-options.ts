import { withoutUndefined } from '../../base/without-undefined.js'
import type { Partition } from '../task/seat.js'

export interface PeriodicTaskOptions {
  /** From start to start, in ms, fractions too. 0: the default, 60 000. Negative: the task is not run, which is logged. */
  readonly spacingMs?: number
  /** The first run is at once, or with `runOn` as soon as there is a seat; otherwise after the first spacing. Default false. */
  readonly runImmediately?: boolean
  /** Delays the first run by a random time up to this, in ms, so that processes that start together do not run together. Default 0. */
  readonly fuzzyDelayMs?: number
  /** False: the task is not run, which is logged. Default true. */
  readonly enabled?: boolean
  /** Of the task, for logs, status and the coordinator. Default: the name of the method. */
  readonly name?: string
  /** How long a run may take until its signal aborts with TASK_TIMEOUT, in ms. Default: for ever. */
  readonly timeoutMs?: number
  /** What becomes of starts that fall into a run: all are dropped, or one is made up right after it. Never two runs at once. Default `skip`. */
  readonly overlap?: 'skip' | 'queue'
  /** In every process; in that which leads; in each for the shards that are its own. Default `every`. */
  readonly runOn?: 'every' | 'leader' | 'partition'
  /** For `partition`: into how many shards the work is divided, the same in all processes; 1 to 65 536. Default 16. */
  readonly partitions?: number
}

/** What a run is told beside its signal. */
export interface PeriodicTaskContext {
  /** For `leader` and `partition`: grows with each holder. Send it with each write and let the resource refuse an older one. */
  readonly fence?: bigint
  /** For `leader`: the number of its term. */
  readonly epoch?: bigint
  /** For `partition`: the shard that this run is for. */
  readonly partition?: Partition
}

/**
 * `signal` aborts with the stop of the tasks, with TASK_TIMEOUT, and with LOCK_LOST
 * before another process may run the task. `LoopingCallDone`, thrown, ends the task in
 * this process, or for this term or shard.
 */
export type PeriodicTaskFunction = (signal: AbortSignal, context: PeriodicTaskContext) => unknown

export type ResolvedPeriodicTask = Required<PeriodicTaskOptions>

const DEFAULT_SPACING_MS = 60_000
const MAX_PARTITIONS = 65_536

const DEFAULTS = {
  spacingMs: DEFAULT_SPACING_MS, runImmediately: false, fuzzyDelayMs: 0, enabled: true, timeoutMs: Infinity, overlap: 'skip', runOn: 'every', partitions: 16,
} as const satisfies PeriodicTaskOptions

/** @throws RangeError */
export function resolvePeriodicTask(name: string, options: PeriodicTaskOptions): ResolvedPeriodicTask {
  const settings: ResolvedPeriodicTask = { ...DEFAULTS, ...withoutUndefined(options), name }
  const { spacingMs, fuzzyDelayMs, timeoutMs, overlap, runOn, partitions } = settings
  const check = (isValid: boolean, rule: string, value: unknown): void => {
    if (!isValid) throw new RangeError(`Cannot add the periodic task "${name}" as ${rule}: ${String(value)}`)
  }
  check(Number.isFinite(spacingMs), 'spacingMs must be finite', spacingMs)
  check(fuzzyDelayMs >= 0 && Number.isFinite(fuzzyDelayMs), 'fuzzyDelayMs must be finite and not below 0', fuzzyDelayMs)
  check(timeoutMs > 0, 'timeoutMs must be above 0', timeoutMs)
  check(['skip', 'queue'].includes(overlap), 'overlap is skip or queue', overlap)
  check(['every', 'leader', 'partition'].includes(runOn), 'runOn is every, leader or partition', runOn)
  check(Number.isInteger(partitions) && partitions >= 1 && partitions <= MAX_PARTITIONS, `partitions is a whole number from 1 to ${MAX_PARTITIONS}`, partitions)
  return { ...settings, spacingMs: spacingMs === 0 ? DEFAULT_SPACING_MS : spacingMs }
}
