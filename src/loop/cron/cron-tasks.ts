import { systemClock, type Clock } from '../../base/clock.js'
import type { Coordinator } from '../../coordination/contract.js'
import type { Logger } from '../../log/logger.js'
import { LoopError } from '../errors.js'
import { readCalendar } from './cron-calendar.js'
import { resolveCronTask, type CronTaskFunction, type CronTaskOptions } from './cron-options.js'
import { CronTask, type CronTaskStatus } from './cron-task.js'

export interface CronTasksOptions {
  /** The same on all hosts that share the tasks: part of the names of their elections and locks. */
  readonly name: string
  /** Failures, timeouts, missed and skipped fires. */
  readonly log: Logger
  /** Needed by tasks that run on the leader or once. */
  readonly coordinator?: Coordinator
  /** By which is waited. Default: the monotonic clock of the system. */
  readonly clock?: Clock
  /** By which fires are due: ms since 1970. Default `Date.now`. */
  readonly wallClock?: () => number
}

/**
 * Functions that are run at times of the calendar, by cron expressions.
 *
 * Guaranteed: no fire before its time by this host's clock, and each once, whatever the
 * clock does within `maxClockSkewMs`; fires that were missed are counted and logged;
 * with `once` and `leader` at most one run of a fire in the whole fleet, as long as
 * clocks differ by no more than `maxClockSkewMs`. Not guaranteed: that a fire is run
 * at all, when its host dies in the middle, or the coordinator is away for longer
 * than the fire's tolerance.
 *
 * What an expression means, and what becomes of it when a time zone's clocks change:
 * see `readCalendar`.
 *
 * ```ts
 * const cron = new CronTasks({ name: 'volume', log, coordinator })
 * cron.schedule('30 2 * * *', (signal, { fence }) => purge(signal, fence), { name: 'purge', runOn: 'once', makeUpMissed: true })
 * …
 * await cron.stop()
 * ```
 */
export class CronTasks {
  readonly name: string
  readonly #options: CronTasksOptions
  readonly #tasks = new Map<string, CronTask>()
  #stopped = false

  constructor(options: CronTasksOptions) {
    this.name = options.name
    this.#options = options
  }

  /**
   * Runs `fn` at each fire of `expression` from now on.
   *
   * @throws CRON_INVALID, TASK_EXISTS, TASKS_STOPPED, TASK_NOT_COORDINATED; RangeError for options that cannot be
   */
  schedule(expression: string, fn: CronTaskFunction, options: CronTaskOptions = {}): CronTask {
    const settings = resolveCronTask(expression, fn.name, options)
    const { name, runOn } = settings
    const { log, coordinator, clock = systemClock, wallClock = Date.now } = this.#options
    if (this.#stopped) throw new LoopError('TASKS_STOPPED', `Cannot schedule the cron task "${name}" as the tasks "${this.name}" were stopped`)
    if (this.#tasks.has(name)) throw new LoopError('TASK_EXISTS', `Cannot schedule the cron task "${name}" as "${this.name}" has one of that name`)
    if (runOn !== 'every' && !coordinator) {
      throw new LoopError('TASK_NOT_COORDINATED', `Cannot schedule the cron task "${name}" as "${this.name}" has no coordinator: runOn ${runOn}`)
    }
    const calendar = readCalendar(expression, settings)
    const task = new CronTask({ calendar, settings, fn, clock, wallClock, log, coordinator, sharedName: `cron/${this.name}/${name}` })
    this.#tasks.set(name, task)
    return task
  }

  get(name: string): CronTask | undefined {
    return this.#tasks.get(name)
  }

  /** In the order in which they were scheduled. */
  status(): readonly CronTaskStatus[] {
    return [...this.#tasks.values()].map((task) => task.status())
  }

  /** Stops every task: see `CronTask.stop`. Any number of times. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all([...this.#tasks.values()].map((task) => task.stop()))
  }
}
