import { systemClock, type Clock } from '../../base/clock.js'
import { systemRandom, type Random } from '../../base/random.js'
import type { Coordinator } from '../../coordination/contract.js'
import type { Logger } from '../../log/logger.js'
import { LoopError } from '../errors.js'
import { keepLeaderSeat } from '../task/leader-seat.js'
import { keepShardSeats } from '../task/shard-seats.js'
import { decoratedTasks } from './periodic-task.js'
import { resolvePeriodicTask, type PeriodicTaskFunction, type PeriodicTaskOptions } from './periodic-options.js'
import { ScheduledTask, type PeriodicTaskStatus } from './scheduled-task.js'

export interface PeriodicTasksOptions {
  /** The same in all processes that share the tasks: part of the names of their elections and groups. */
  readonly name: string
  /** Failures, timeouts, missed starts, tasks that are not run. */
  readonly log: Logger
  /** Needed by tasks that run on the leader or by partition. */
  readonly coordinator?: Coordinator
  /** Default: the monotonic clock of the system. */
  readonly clock?: Clock
  /** Draws the fuzzy delays. Default: the system's. */
  readonly random?: Random
}

/**
 * Functions that are run at intervals, each by a timer of its own on the grid
 * `start + n * spacing` of the monotonic clock: a slow one delays no other, none
 * overlaps itself, a failure is logged and ends nothing.
 *
 * `runOn: 'leader'`: an election for each task, `periodic/NAME/TASK`, so that a task
 * that only a newer version knows is led by one that knows it. `runOn: 'partition'`: a
 * group of that name, whose members share the shards; each shard has a timer, and the
 * function is called once for each shard that is owned, with that shard's fence: the
 * loss of one shard ends one run, not all.
 *
 * Guaranteed: the signal of a run aborts before another process may begin one in its
 * place, as long as the event loop runs. Not guaranteed: that the run has ended by
 * then; let the resource refuse its writes by the fence. Nor that a change of leader
 * keeps the spacing: the next run is at the next point of the new leader's grid, up to
 * twice the spacing after the last one.
 *
 * ```ts
 * const tasks = new PeriodicTasks({ name: 'volume', log, coordinator })
 * tasks.add(manager)
 * tasks.register('reap', { spacingMs: 500, runOn: 'leader' }, async (signal, { fence }) => { … })
 * tasks.start()
 * …
 * await tasks.stop()
 * ```
 */
export class PeriodicTasks {
  readonly name: string
  readonly #options: PeriodicTasksOptions
  readonly #clock: Clock
  readonly #tasks = new Map<string, ScheduledTask>()
  readonly #names = new Set<string>()
  readonly #stopping = new AbortController()
  /** Each ends when its task has given back all its seats. */
  readonly #kept: Promise<void>[] = []
  #started = false

  constructor(options: PeriodicTasksOptions) {
    this.name = options.name
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  /**
   * Adds the methods of `object` that `periodicTask` decorates, its parents' too. Their names.
   *
   * @throws as `register`; then none is added
   */
  add(object: object): readonly string[] {
    const tasks = decoratedTasks(object)
    const names = tasks.map(({ name }) => name)
    for (const [i, { name, options }] of tasks.entries()) this.#resolve(name, options, names.slice(0, i))
    for (const { name, options, fn } of tasks) this.register(name, options, fn)
    return names
  }

  /**
   * Adds a task; when the tasks run, it starts at once.
   *
   * @throws TASK_EXISTS, TASKS_STOPPED, TASK_NOT_COORDINATED; RangeError for options that cannot be
   */
  register(name: string, options: Omit<PeriodicTaskOptions, 'name'>, fn: PeriodicTaskFunction): void {
    const settings = this.#resolve(name, options)
    const { log, random = systemRandom } = this.#options
    this.#names.add(name)
    const idle = settings.enabled ? (settings.spacingMs < 0 ? 'its spacing is negative' : undefined) : 'it is disabled'
    if (idle) return log.info(`periodic task "${name}" is not run as ${idle}`, { event: 'periodic.disabled', task: name })
    const task = new ScheduledTask({ settings, fn, log, clock: this.#clock, delayMs: settings.fuzzyDelayMs * random() })
    this.#tasks.set(name, task)
    if (this.#started) this.#keep(task)
  }

  /** @throws LOOPING_CALL_RUNS when they run; TASKS_STOPPED */
  start(): void {
    this.#assertNotStopped('start')
    if (this.#started) throw new LoopError('LOOPING_CALL_RUNS', `Cannot start the periodic tasks "${this.name}" as they already run`)
    this.#started = true
    for (const task of this.#tasks.values()) this.#keep(task)
  }

  /**
   * Begins no further run, aborts those in progress and waits for their end; then
   * resigns and gives the shards back. Any number of times.
   */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#kept)
  }

  /** In the order in which they were added; those that are not run are not among them. */
  status(): readonly PeriodicTaskStatus[] {
    return [...this.#tasks.values()].map((task) => task.status())
  }

  #keep(task: ScheduledTask): void {
    task.begin()
    this.#kept.push(this.#seats(task))
  }

  #seats(task: ScheduledTask): Promise<void> {
    const { coordinator, log } = this.#options
    const { name, runOn, partitions } = task.settings
    const signal = this.#stopping.signal
    if (runOn === 'every' || !coordinator) return task.take({ signal })
    const shared = `periodic/${this.name}/${name}`
    const keeper = { signal, clock: this.#clock, log }
    if (runOn === 'leader') return keepLeaderSeat(coordinator.election(shared), (seat) => task.take(seat), keeper)
    return keepShardSeats(coordinator, { group: shared, count: partitions }, (seat) => task.take(seat), keeper)
  }

  /** @throws as `register` */
  #resolve(name: string, options: PeriodicTaskOptions, others: readonly string[] = []): ReturnType<typeof resolvePeriodicTask> {
    this.#assertNotStopped(`add the periodic task "${name}" to`)
    if (this.#names.has(name) || others.includes(name)) throw new LoopError('TASK_EXISTS', `Cannot add the periodic task "${name}" as "${this.name}" has one of that name`)
    const settings = resolvePeriodicTask(name, options)
    if (settings.runOn !== 'every' && !this.#options.coordinator) {
      throw new LoopError('TASK_NOT_COORDINATED', `Cannot add the periodic task "${name}" as "${this.name}" has no coordinator: runOn ${settings.runOn}`)
    }
    return settings
  }

  #assertNotStopped(act: string): void {
    if (this.#stopping.signal.aborted) throw new LoopError('TASKS_STOPPED', `Cannot ${act} the periodic tasks "${this.name}" as they were stopped`)
  }
}
