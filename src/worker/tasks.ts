import type { Clock } from '../base/clock.js'
import { CodedError } from '../base/errors.js'
import type { TrackOptions } from '../service/contract.js'
import { Activity } from './activity.js'

/** Work that a drain waits for, by name. */
export class Tasks {
  readonly #running = new Set<Task>()
  readonly #end: AbortController = new AbortController()
  readonly #clock: Clock
  readonly #activity: Activity

  constructor(clock: Clock, activity = new Activity()) {
    this.#clock = clock
    this.#activity = activity
  }

  /**
   * Runs `work` and gives its result. Its signal aborts with TASK_DEADLINE when
   * `deadlineMs` has passed, and with WORKER_STOPPING when the worker is about to be killed.
   */
  async track<T>(name: string, work: (signal: AbortSignal) => Promise<T>, { deadlineMs }: TrackOptions = {}): Promise<T> {
    const deadline = new AbortController()
    const timer = deadlineMs === undefined ? undefined : setTimeout(() => {
      deadline.abort(new CodedError('TASK_DEADLINE', `Cannot go on with "${name}" as its deadline has passed: ${deadlineMs} ms`))
    }, deadlineMs)
    const run = async (): Promise<T> => work(AbortSignal.any([this.#end.signal, deadline.signal]))
    const ended = this.#activity.begin(name)
    const promise = run()
    const task: Task = { name, since: this.#clock.now(), settled: promise.then(ignore, ignore) }
    this.#running.add(task)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      this.#running.delete(task)
      ended()
    }
  }

  /** Resolves when no task is running, those included that began meanwhile. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all([...this.#running].map((task) => task.settled))
  }

  /** Tells every task that the worker is about to be killed. */
  abort(): void {
    this.#end.abort(new CodedError('WORKER_STOPPING', 'Cannot go on as the worker is about to be killed: its graceful_shutdown_timeout has passed'))
  }

  /** What is still running, for people: `task flatten (12.3 s)`. */
  unfinished(): string[] {
    return [...this.#running].map(({ name, since }) => `task ${name} (${((this.#clock.now() - since) / 1000).toFixed(1)} s)`)
  }
}

interface Task {
  readonly name: string
  readonly since: number
  readonly settled: Promise<void>
}

function ignore(): void {}
