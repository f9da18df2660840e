import type { Clock } from '../../base/clock.js'
import { messageOf } from '../../base/errors.js'
import type { Logger } from '../../log/logger.js'
import { FixedIntervalLoopingCall } from '../fixed-interval.js'
import { aborted } from '../task/linked-abort.js'
import { runWithin } from '../task/run-within.js'
import type { Seat } from '../task/seat.js'
import { TaskRecord, type RunStatus } from '../task/task-record.js'
import type { PeriodicTaskFunction, ResolvedPeriodicTask } from './periodic-options.js'

export interface PeriodicTaskStatus extends RunStatus {
  readonly name: string
  readonly runOn: ResolvedPeriodicTask['runOn']
  readonly spacingMs: number
  /** Until the next start in this process, in ms; undefined while none is planned: before the start, after the stop, in the middle of a run, without a seat. */
  readonly nextInMs: number | undefined
  /** For `leader`: whether this process leads. */
  readonly leading: boolean
  /** For `partition`: the shards that this process runs now, sorted. */
  readonly shards: readonly number[]
}

export interface ScheduledTaskParts {
  readonly settings: ResolvedPeriodicTask
  readonly fn: PeriodicTaskFunction
  readonly clock: Clock
  readonly log: Logger
  /** Of the first run: the settings' fuzzy delay, drawn. */
  readonly delayMs: number
}

/**
 * One periodic task of this process: a timer for each seat that it has, all on one grid
 * that began with the tasks. So the points stay where they are, however often a
 * leadership comes and goes; a grid that began with each term would never come to its
 * first point where terms are shorter than the spacing. Shards divide the spacing
 * between them.
 */
export class ScheduledTask {
  readonly #with: ScheduledTaskParts
  readonly #record: TaskRecord
  readonly #timers = new Map<Seat, FixedIntervalLoopingCall>()
  #gridFrom = 0

  constructor(parts: ScheduledTaskParts) {
    this.#with = parts
    this.#record = new TaskRecord(() => parts.clock.now())
  }

  get settings(): ResolvedPeriodicTask {
    return this.#with.settings
  }

  /** The grid begins now. */
  begin(): void {
    this.#gridFrom = this.#with.clock.now() + this.#with.delayMs
  }

  /** Runs the task in `seat` until that aborts, and a run in progress has ended. */
  async take(seat: Seat): Promise<void> {
    const { settings, clock } = this.#with
    const { name, spacingMs, overlap } = settings
    const timer = new FixedIntervalLoopingCall((signal) => this.#run(signal, seat), {
      name,
      clock,
      onError: () => {},
      onMissed: (missed) => this.#skip(missed),
    })
    timer.start({ intervalMs: spacingMs, initialDelayMs: this.#firstInMs(seat), stopOnException: false, overlap })
    this.#timers.set(seat, timer)
    await aborted(seat.signal)
    await timer.stop(seat.signal.reason)
    this.#timers.delete(seat)
  }

  status(): PeriodicTaskStatus {
    const { name, runOn, spacingMs } = this.#with.settings
    const planned = [...this.#timers.values()].map(({ nextInMs }) => nextInMs).filter((ms) => ms !== undefined)
    const seats = [...this.#timers.keys()]
    return {
      name, runOn, spacingMs,
      ...this.#record.status(),
      nextInMs: planned.length > 0 ? Math.min(...planned) : undefined,
      leading: seats.some(({ epoch }) => epoch !== undefined),
      shards: seats.flatMap(({ partition }) => partition ? [partition.shard] : []).sort((a, b) => a - b),
    }
  }

  #firstInMs({ partition }: Seat): number {
    const { clock, settings: { spacingMs, runImmediately } } = this.#with
    const now = clock.now()
    if (runImmediately) return Math.max(0, this.#gridFrom - now)
    const share = partition ? partition.shard / partition.count : 0
    const first = this.#gridFrom + (1 + share) * spacingMs
    return first + Math.max(0, Math.ceil((now - first) / spacingMs)) * spacingMs - now
  }

  async #run(signal: AbortSignal, { fence, epoch, partition }: Seat): Promise<void> {
    const { settings: { name, timeoutMs }, fn, clock, log } = this.#with
    const context = { ...fence !== undefined && { fence }, ...epoch !== undefined && { epoch }, ...partition && { partition } }
    const shard = partition?.shard
    const onTimeout = (): void => log.warn(`periodic task "${name}" is told to end as it took more than ${timeoutMs} ms`, { event: 'periodic.timeout', task: name, shard, timeoutMs })
    await this.#record.account(
      () => runWithin((each) => fn(each, context), { name, signal, timeoutMs, clock, onTimeout }),
      signal,
      (error) => log.error(`periodic task "${name}" failed: ${messageOf(error)}`, { event: 'periodic.failed', task: name, shard, error }),
    )
  }

  #skip(starts: number): void {
    const { settings: { name }, log } = this.#with
    this.#record.skip(starts)
    log.warn(`periodic task "${name}" took too long and missed ${starts} of its starts`, { event: 'periodic.missed', task: name, missed: starts })
  }
}
