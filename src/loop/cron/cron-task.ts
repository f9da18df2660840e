import type { Clock } from '../../base/clock.js'
import { messageOf } from '../../base/errors.js'
import type { Coordinator } from '../../coordination/contract.js'
import type { Logger } from '../../log/logger.js'
import { isLoopingCallDone } from '../looping-call-done.js'
import { LinkedAbort } from '../task/linked-abort.js'
import { runWithin } from '../task/run-within.js'
import { TaskRecord, type RunStatus } from '../task/task-record.js'
import type { CronCalendar } from './cron-calendar.js'
import type { CronTaskContext, CronTaskFunction, ResolvedCronTask } from './cron-options.js'
import { CronTimer } from './cron-timer.js'
import type { DueFires } from './due-fires.js'
import { FirePlace, type Grant } from './fire-place.js'

export interface CronTaskStatus extends RunStatus {
  readonly name: string
  readonly expression: string
  readonly timezone: string
  readonly runOn: ResolvedCronTask['runOn']
  /** Fires that came too late, as the loop was blocked or the machine slept; those of one gap count up to 1 000. */
  readonly missed: number
  /** Runs that made up for missed fires. */
  readonly madeUp: number
  /** Fires that were another process's. */
  readonly elsewhere: number
  /** Of the last run that began. */
  readonly lastFire: Date | undefined
  /** Undefined after the end. */
  readonly nextInMs: number | undefined
  /** For `leader`: whether this process leads. */
  readonly leading: boolean
}

export interface CronTaskParts {
  readonly calendar: CronCalendar
  readonly settings: ResolvedCronTask
  readonly fn: CronTaskFunction
  readonly clock: Clock
  /** The wall clock: ms since 1970. */
  readonly wallClock: () => number
  readonly log: Logger
  /** There is one unless it runs on `every`. */
  readonly coordinator: Coordinator | undefined
  /** Of its elections and locks: the same on all hosts. */
  readonly sharedName: string
}

interface Fire {
  readonly at: number
  readonly missed: number
  readonly madeUp: boolean
}

/** For `every`: any fire may be run here. */
const EVERYWHERE: Grant = { lost: [], leave: async () => {} }

const SKIPPED = {
  here: 'its last run has not ended',
  overlap: 'its last run, in another process, has not ended',
  unavailable: 'the coordinator could not be asked',
} as const

/** A cron task of this process, from its making to `stop()`. */
export class CronTask {
  readonly #with: CronTaskParts
  readonly #record: TaskRecord
  readonly #timer: CronTimer
  readonly #stopping = new AbortController()
  readonly #firing = new Set<Promise<void>>()
  readonly #ended: Promise<void>
  /** Undefined for `every`. */
  readonly #place: FirePlace | undefined
  /** Fires between their begin and the end of their run. */
  #busy = 0
  #missed = 0
  #madeUp = 0
  #elsewhere = 0
  #lastFire: Date | undefined
  /** Missed while a run was in progress: made up after it. */
  #owed: Fire | undefined

  /** Use `CronTasks.schedule`. */
  constructor(parts: CronTaskParts) {
    const { calendar, clock, wallClock, coordinator, settings: { runOn, toleranceMs, maxClockSkewMs } } = parts
    const signal = this.#stopping.signal
    this.#with = parts
    this.#record = new TaskRecord(() => clock.now())
    this.#timer = new CronTimer({
      calendar, clock, wallClock, toleranceMs, maxClockSkewMs,
      onDue: (due, now) => this.#take(due, now),
      onSetBack: (byMs) => parts.log.warn(`cron task "${this.name}" begins anew as the clock went back by ${byMs} ms`, { event: 'cron.set_back', task: this.name, byMs }),
    })
    this.#place = runOn === 'every' || !coordinator ? undefined : new FirePlace({ ...parts, coordinator, signal })
    this.#ended = this.#timer.run(signal)
  }

  get name(): string {
    return this.#with.settings.name
  }

  /** The next `count` fires after `from`. Default: from now. */
  next(count: number, from?: Date): readonly Date[] {
    const { calendar, wallClock } = this.#with
    const fires: Date[] = []
    let time = from?.getTime() ?? wallClock()
    while (fires.length < count) fires.push(new Date(time = calendar.next(time)))
    return fires
  }

  /** No further fire is run; those in progress are aborted and waited for. Any number of times. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#ended
    while (this.#firing.size > 0) await Promise.all(this.#firing)
    await this.#place?.left()
  }

  status(): CronTaskStatus {
    const { calendar: { expression, timezone }, settings: { runOn }, wallClock } = this.#with
    return {
      name: this.name, expression, timezone, runOn,
      ...this.#record.status(),
      missed: this.#missed,
      madeUp: this.#madeUp,
      elsewhere: this.#elsewhere,
      lastFire: this.#lastFire,
      nextInMs: this.#stopping.signal.aborted ? undefined : Math.max(0, this.#timer.due - wallClock()),
      leading: this.#place?.leading ?? false,
    }
  }

  #take({ last, inTime, missed }: DueFires, now: number): void {
    const { settings: { makeUpMissed, makeUpWithinMs }, log } = this.#with
    this.#missed += missed
    const isMadeUp = !inTime && makeUpMissed && now - last <= makeUpWithinMs
    if (missed > 0) log.warn(`cron task "${this.name}" missed ${missed} of its fires`, { event: 'cron.missed', task: this.name, missed, madeUp: isMadeUp })
    if (inTime || isMadeUp) this.#fire({ at: last, missed, madeUp: isMadeUp })
  }

  #fire(fire: Fire): void {
    if (this.#with.settings.noOverlap && this.#busy > 0) {
      if (fire.madeUp) this.#owed = fire
      else this.#skip(fire, 'here')
      return
    }
    const firing = this.#runFire(fire).catch((error: unknown) => this.#fail(error)).finally(() => this.#firing.delete(firing))
    this.#firing.add(firing)
  }

  async #runFire(fire: Fire): Promise<void> {
    this.#busy++
    try {
      const grant = this.#place ? await this.#place.enter(fire.at) : EVERYWHERE
      if (typeof grant === 'object') await this.#run(fire, grant)
      else if (grant === 'elsewhere') this.#elsewhere++
      else this.#skip(fire, grant)
    } finally {
      this.#busy--
      this.#payOwed()
    }
  }

  async #run({ at, missed, madeUp }: Fire, { fence, epoch, lost, leave }: Grant): Promise<void> {
    const { settings: { timeoutMs }, fn, clock, log } = this.#with
    const name = this.name
    using run = new LinkedAbort([this.#stopping.signal, ...lost])
    const context: CronTaskContext = { fireTime: new Date(at), missed, madeUp, ...fence !== undefined && { fence }, ...epoch !== undefined && { epoch } }
    const onTimeout = (): void => log.warn(`cron task "${name}" is told to end as it took more than ${timeoutMs} ms`, { event: 'cron.timeout', task: name, timeoutMs })
    const work = (): Promise<unknown> => runWithin((signal) => fn(signal, context), { name, signal: run.signal, timeoutMs, clock, onTimeout })
    try {
      if (run.signal.aborted) return
      this.#lastFire = context.fireTime
      if (madeUp) this.#madeUp++
      await this.#record.account(work, run.signal, (error) => this.#tellFailure(error))
    } finally {
      await leave()
    }
  }

  #payOwed(): void {
    const fire = this.#owed
    if (!fire || this.#busy > 0) return
    this.#owed = undefined
    if (!this.#stopping.signal.aborted) this.#fire(fire)
  }

  #skip({ at }: Fire, why: keyof typeof SKIPPED): void {
    this.#record.skip(1)
    this.#with.log.warn(`cron task "${this.name}" skipped a fire as ${SKIPPED[why]}`, { event: 'cron.skipped', task: this.name, why, fireTime: new Date(at).toISOString() })
  }

  /** Of what is around a run: the run's own failures are accounted for. */
  #fail(error: unknown): void {
    if (isLoopingCallDone(error)) return this.#stopping.abort()
    this.#tellFailure(error)
  }

  #tellFailure(error: unknown): void {
    this.#with.log.error(`cron task "${this.name}" failed: ${messageOf(error)}`, { event: 'cron.failed', task: this.name, error })
  }
}
