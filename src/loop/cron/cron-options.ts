import { withoutUndefined } from '../../base/without-undefined.js'

export interface CronTaskOptions {
  /** Of the task, for logs, status and the coordinator; the same on all hosts. Default: the name of the function, or else the expression. */
  readonly name?: string
  /** In which the expression is read: an IANA name. Default `UTC`, which has no days of 23 and 25 hours. */
  readonly timezone?: string
  /** A fire that falls into a run is dropped; with `once`, into a run on any host. Default true. */
  readonly noOverlap?: boolean
  /**
   * - `every`: each process runs each fire.
   * - `leader`: the one that leads runs them, as long as it lives.
   * - `once`: whichever comes first runs a fire, and no other.
   *
   * With the last two no fire is run twice, though clocks differ by up to `maxClockSkewMs`. Default `every`.
   */
  readonly runOn?: 'every' | 'leader' | 'once'
  /** After fires were missed, as the loop was blocked or the machine slept, the last of them is run late, once. Default false. */
  readonly makeUpMissed?: boolean
  /** A fire that is longer ago than this is not made up, in ms. Default 3 600 000. */
  readonly makeUpWithinMs?: number
  /** So late a run may begin, in ms; a fire that is later is missed. Default 1 000. */
  readonly toleranceMs?: number
  /** By how much the clocks of hosts may differ, in ms: so much longer a fire stays taken. Default 60 000. */
  readonly maxClockSkewMs?: number
  /** How long a run may take until its signal aborts with TASK_TIMEOUT, in ms. Default: for ever. */
  readonly timeoutMs?: number
  /** `and`: both day fields of the expression are meant to hold together. Default `refuse`: an expression that restricts both is an error. */
  readonly bothDays?: 'refuse' | 'and'
}

export interface CronTaskContext {
  /** The moment of the schedule, not that of the run: the same on every host. */
  readonly fireTime: Date
  /** Fires that were missed before this run; this one too, if it is made up. 1 000 stands for as many or more. */
  readonly missed: number
  /** Whether the run is late for a fire that was missed. */
  readonly madeUp: boolean
  /** For `leader` and `once`: grows with each run's holder. Send it with each write and let the resource refuse an older one. */
  readonly fence?: bigint
  /** For `leader`: the number of its term. */
  readonly epoch?: bigint
}

/** `signal` aborts with the stop of the task, with TASK_TIMEOUT, and with LOCK_LOST. `LoopingCallDone`, thrown, ends the task in this process. */
export type CronTaskFunction = (signal: AbortSignal, context: CronTaskContext) => unknown

export type ResolvedCronTask = Required<CronTaskOptions>

const DEFAULTS = {
  timezone: 'UTC', noOverlap: true, runOn: 'every', makeUpMissed: false, makeUpWithinMs: 3_600_000, toleranceMs: 1_000, maxClockSkewMs: 60_000, timeoutMs: Infinity, bothDays: 'refuse',
} as const satisfies CronTaskOptions

/** @throws RangeError */
export function resolveCronTask(expression: string, functionName: string, options: CronTaskOptions): ResolvedCronTask {
  const settings: ResolvedCronTask = { name: functionName || expression, ...DEFAULTS, ...withoutUndefined(options) }
  const { name, runOn, timeoutMs, bothDays } = settings
  const check = (isValid: boolean, rule: string, value: unknown): void => {
    if (!isValid) throw new RangeError(`Cannot schedule the cron task "${name}" as ${rule}: ${String(value)}`)
  }
  for (const option of ['makeUpWithinMs', 'toleranceMs', 'maxClockSkewMs'] as const) {
    check(settings[option] >= 0 && Number.isFinite(settings[option]), `${option} must be finite and not below 0`, settings[option])
  }
  check(timeoutMs > 0, 'timeoutMs must be above 0', timeoutMs)
  check(['every', 'leader', 'once'].includes(runOn), 'runOn is every, leader or once', runOn)
  check(['refuse', 'and'].includes(bothDays), 'bothDays is refuse or and', bothDays)
  return settings
}
