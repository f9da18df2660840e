import { systemClock, type Clock } from '../base/clock.js'
import { Durations, type DurationSummary } from './durations.js'
import { QueueError, atLeastOne } from './errors.js'
import { mapInOrder, type MapOptions, type Source } from './map-in-order.js'
import { tellError, type TellError } from './outcome.js'
import { PoolTask, currentTask, type Task } from './task.js'
import type { WaitOptions } from './take-side.js'
import { Waiters } from './waiters.js'

export interface TaskPoolOptions {
  /** Tasks that run at once, at most; at least 1. Default 1024. */
  readonly size?: number
  /** For messages. Default `tasks`. */
  readonly name?: string
  /** Told once of each failure of a task whose `result` nobody has asked for. Without it such a failure is an unhandled rejection. */
  readonly onError?: (error: unknown, task: Task<unknown>) => void
  /** For durations. Default: the monotonic clock of the system. */
  readonly clock?: Clock
}

export interface SpawnOptions extends WaitOptions {
  /** The task's name, for messages. Default: the name of its function. */
  readonly name?: string
}

/** At least one. */
type Some = readonly [unknown, ...unknown[]]

export interface TaskPoolStatistics {
  readonly spawned: number
  readonly succeeded: number
  /** Without those that ended as they were aborted. */
  readonly failed: number
  readonly aborted: number
  readonly highestRunning: number
  readonly highestWaiting: number
  /** How long those that had to wait for room waited. */
  readonly timeWaiting: DurationSummary
}

/** A `spawn` that waits for room. */
interface Spawner {
  /** The task of this pool that would be waiting for itself. */
  readonly inside: PoolTask<unknown> | undefined
  readonly since: number
}

/**
 * Runs at most `size` tasks at once, as GreenPool of eventlet does with green threads.
 * They are cooperative: they share the event loop, and one that computes for long
 * holds up all, unless it calls `yieldNow()`.
 *
 * `spawn` waits while the pool is full, so that whoever makes tasks faster than they
 * end is slowed down, and memory does not grow. Spawns are served in their order. A
 * task starts within the call, or when there is room; asynchronous context (a log's
 * fields) is that of the one who spawned it.
 *
 * From inside a task of the same pool, with the pool full:
 * - `waitAll()` rejects with POOL_WAITS_FOR_ITSELF;
 * - `spawn()` waits as ever; but when every running task waits so, nobody is left to
 *   make room, and the youngest such spawn rejects with POOL_WAITS_FOR_ITSELF;
 * - `spawnN()` does not wait: the task stands in line, and starts when there is room.
 *   That is the way for a task to start follow-ups.
 *
 * Not seen: two pools whose tasks wait for one another, and a task that waits for the
 * `result` of one that is still in line behind it.
 */
export class TaskPool {
  readonly name: string
  readonly #onError: TaskPoolOptions['onError']
  readonly #clock: Clock
  readonly #tasks = new Set<PoolTask<unknown>>()
  readonly #spawners = new Waiters<Spawner, void>((spawner) => this.#unblock(spawner))
  readonly #idle = new Waiters<undefined, void>()
  readonly #timeWaiting = new Durations()
  #size: number
  /** Room given to spawns that have not gone on yet. */
  #granted = 0
  /** Running tasks that wait for room in this pool. */
  #blocked = 0
  readonly #counts = { spawned: 0, succeeded: 0, failed: 0, aborted: 0, highestRunning: 0, highestWaiting: 0 }

  /** @throws RangeError for a size that is not a whole number of at least 1 */
  constructor({ size = 1024, name = 'tasks', onError, clock = systemClock }: TaskPoolOptions = {}) {
    this.#size = atLeastOne('size', size)
    this.name = name
    this.#onError = onError
    this.#clock = clock
  }

  get size(): number {
    return this.#size
  }

  /** Tasks that run. */
  get running(): number {
    return this.#tasks.size + this.#granted
  }

  /** Room for as many more; below 0 while the pool has shrunk and its tasks have not ended. */
  get free(): number {
    return this.#size - this.running
  }

  /** Spawns that wait for room. */
  get waiting(): number {
    return this.#spawners.size
  }

  /** What runs, oldest first: for a drain that names what will not end. */
  tasks(): readonly { readonly name: string, readonly runningMs: number }[] {
    const now = this.#clock.now()
    return [...this.#tasks].map(({ name, startedAt }) => ({ name, runningMs: now - startedAt }))
  }

  statistics(): TaskPoolStatistics {
    return { ...this.#counts, timeWaiting: this.#timeWaiting.summary() }
  }

  /**
   * Calls `fn` with `args`, or, where there are none, with its task, whose `signal` it
   * should heed. Resolves when the task has started: `(await pool.spawn(clone, a, b)).result`
   * is what comes of it.
   *
   * @throws POOL_WAITS_FOR_ITSELF, see above; the reason of `abort()`
   */
  spawn<Result>(fn: (task: Task<unknown>) => Result): Promise<Task<Awaited<Result>>>
  spawn<Args extends Some, Result>(fn: (...args: Args) => Result, ...args: Args): Promise<Task<Awaited<Result>>>
  spawn<Result>(fn: (...args: never[]) => Result, ...args: unknown[]): Promise<Task<Awaited<Result>>> {
    return this.#spawn({ name: fn.name }, withArguments(fn, args))
  }

  /** The same, with a signal that ends the wait for room, and no more than that: a task that runs has `abort()`. */
  spawnWith<Result>(options: SpawnOptions, fn: (task: Task<unknown>) => Result): Promise<Task<Awaited<Result>>>
  spawnWith<Args extends Some, Result>(options: SpawnOptions, fn: (...args: Args) => Result, ...args: Args): Promise<Task<Awaited<Result>>>
  spawnWith<Result>({ name = '', signal }: SpawnOptions, fn: (...args: never[]) => Result, ...args: unknown[]): Promise<Task<Awaited<Result>>> {
    return this.#spawn({ name: name || fn.name, signal }, withArguments(fn, args))
  }

  /**
   * For a task whose result nobody wants. Resolves when it has started; from inside a
   * task of this pool at once, the new one standing in line. Failures go to `onError`.
   */
  spawnN(fn: (task: Task<unknown>) => unknown): Promise<void>
  spawnN<Args extends Some>(fn: (...args: Args) => unknown, ...args: Args): Promise<void>
  async spawnN(fn: (...args: never[]) => unknown, ...args: unknown[]): Promise<void> {
    const isInside = this.#callingTask() !== undefined
    const started = this.#spawn({ name: fn.name, inLine: isInside }, withArguments(fn, args))
    if (!isInside) return void await started
    // It rejects only when the pool is aborted before its turn comes: then it was never a task.
    started.catch(() => {})
  }

  /**
   * Calls `fn` with each item of `source` and its task, in tasks of this pool, and gives
   * the results in the order of the items, see `MapOptions`. It reads on only as results
   * are fetched: started tasks and results not fetched are never more than `window`, and
   * of what was read at most one item waits for room. Leaving the iteration early aborts
   * its tasks.
   *
   * ```ts
   * for await (const size of pool.imap((id, { signal }) => sizeOf(id, signal), volumeIds)) total += size
   * ```
   */
  imap<Item, Result>(fn: (item: Item, task: Task<unknown>) => Result, source: Source<Item>, options: MapOptions & { readonly settled: true }): AsyncGenerator<PromiseSettledResult<Awaited<Result>>, void, undefined>
  imap<Item, Result>(fn: (item: Item, task: Task<unknown>) => Result, source: Source<Item>, options?: MapOptions): AsyncGenerator<Awaited<Result>, void, undefined>
  imap<Item, Result>(fn: (item: Item, task: Task<unknown>) => Result, source: Source<Item>, options: MapOptions = {}): AsyncGenerator<unknown, void, undefined> {
    const spawn = (item: Item, signal: AbortSignal): Promise<Task<unknown>> => this.#spawn({ name: fn.name, signal }, (task) => fn(item, task))
    return mapInOrder(source, spawn, { window: this.#size, ...options })
  }

  /** `imap` for items that are lists of arguments; `fn` gets these and no more. */
  starmap<Args extends readonly unknown[], Result>(fn: (...args: Args) => Result, source: Source<NoInfer<Args>>, options: MapOptions & { readonly settled: true }): AsyncGenerator<PromiseSettledResult<Awaited<Result>>, void, undefined>
  starmap<Args extends readonly unknown[], Result>(fn: (...args: Args) => Result, source: Source<NoInfer<Args>>, options?: MapOptions): AsyncGenerator<Awaited<Result>, void, undefined>
  starmap<Args extends readonly unknown[], Result>(fn: (...args: Args) => Result, source: Source<Args>, options?: MapOptions): AsyncGenerator<unknown, void, undefined> {
    return this.imap((args) => fn(...args), source, options)
  }

  /**
   * Resolves when no task runs and no spawn waits, those included that came meanwhile.
   *
   * @throws POOL_WAITS_FOR_ITSELF inside a task of this pool; the signal's reason
   */
  async waitAll({ signal }: WaitOptions = {}): Promise<void> {
    if (this.#callingTask()) throw this.#waitsForItself('wait for all tasks of')
    signal?.throwIfAborted()
    if (this.running > 0 || this.waiting > 0) await this.#idle.wait(undefined, signal)
  }

  /** Takes effect at once for spawns; running tasks are left alone. @throws RangeError */
  resize(size: number): void {
    this.#size = atLeastOne('size', size)
    this.#admit()
  }

  /** Aborts the signal of every running task, and turns away the spawns that wait. The pool goes on: further spawns are served. */
  abort(reason: unknown = new QueueError('POOL_ABORTED', `Cannot go on with the tasks of the pool "${this.name}" as it was aborted`)): void {
    for (const spawner of this.#spawners.rejectAll(reason)) this.#unblock(spawner)
    for (const task of [...this.#tasks]) task.abort(reason)
  }

  async #spawn<Result>({ signal, name, inLine = false }: SpawnOptions & { readonly inLine?: boolean }, work: (task: Task<unknown>) => Result): Promise<Task<Awaited<Result>>> {
    signal?.throwIfAborted()
    if (this.free <= 0) {
      await this.#room(inLine, signal)
      this.#granted--
    }
    const task = new PoolTask<Awaited<Result>>(name || 'anonymous', this, this.#clock.now())
    this.#tasks.add(task)
    this.#counts.spawned++
    if (this.running > this.#counts.highestRunning) this.#counts.highestRunning = this.running
    void currentTask.run(task, () => this.#run(task, work))
    return task
  }

  async #run<Result>(task: PoolTask<Awaited<Result>>, work: (task: Task<unknown>) => Result): Promise<void> {
    try {
      task.succeed(await work(task))
      this.#counts.succeeded++
    } catch (error) {
      this.#fail(task, error)
    }
    this.#end(task)
  }

  #fail(task: PoolTask<unknown>, error: unknown): void {
    const isAbort = task.isAbort(error)
    this.#counts[isAbort ? 'aborted' : 'failed']++
    if (isAbort) task.cancel(error)
    else task.fail(error, this.#teller(task))
  }

  #teller(task: Task<unknown>): TellError | undefined {
    const onError = this.#onError
    return onError && ((error) => tellError(error, () => onError(error, task)))
  }

  #end(task: PoolTask<unknown>): void {
    this.#tasks.delete(task)
    if (task.waits > 0) this.#blocked--
    this.#admit()
    this.#breakDeadlock()
    if (this.running === 0) this.#idle.resolveAll()
  }

  #room(inLine: boolean, signal: AbortSignal | undefined): Promise<void> {
    const inside = inLine ? undefined : this.#callingTask()
    if (inside && inside.waits++ === 0) this.#blocked++
    const granted = this.#spawners.wait({ inside, since: this.#clock.now() }, signal)
    if (this.waiting > this.#counts.highestWaiting) this.#counts.highestWaiting = this.waiting
    this.#breakDeadlock()
    return granted
  }

  #admit(): void {
    while (this.free > 0) {
      const waiter = this.#spawners.shift()
      if (!waiter) return
      this.#granted++
      this.#unblock(waiter.value)
      this.#timeWaiting.record(this.#clock.now() - waiter.value.since)
      waiter.resolve()
    }
  }

  /** With every running task waiting for room, none would come. */
  #breakDeadlock(): void {
    while (this.#blocked > 0 && this.#blocked === this.running) {
      const waiter = this.#spawners.takeLast(({ inside }) => inside !== undefined && this.#tasks.has(inside))
      if (!waiter) return
      this.#unblock(waiter.value)
      waiter.reject(this.#waitsForItself('spawn in'))
    }
  }

  #unblock({ inside }: Spawner): void {
    if (inside && this.#tasks.has(inside) && --inside.waits === 0) this.#blocked--
  }

  /** The running task of this pool that the caller is part of. */
  #callingTask(): PoolTask<unknown> | undefined {
    const task = currentTask.getStore()
    return task?.pool === this && !task.settled ? task : undefined
  }

  #waitsForItself(act: string): QueueError {
    return new QueueError('POOL_WAITS_FOR_ITSELF', `Cannot ${act} the pool "${this.name}" as its own tasks would wait for themselves: ${this.running} running, ${this.waiting} waiting`, {
      details: { pool: this.name, size: this.size, running: this.running, waiting: this.waiting },
    })
  }
}

/** What the overloads of `spawn` have checked: without arguments, `fn` takes a task. */
function withArguments<Result>(fn: (...args: never[]) => Result, args: readonly unknown[]): (task: Task<unknown>) => Result {
  return args.length === 0 ? fn as (task: Task<unknown>) => Result : () => fn(...args as never[])
}
