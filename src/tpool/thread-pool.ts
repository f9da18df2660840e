import { basename, extname } from 'node:path'
import { ThreadPoolError } from './errors.js'
import type { FunctionStatistics, FunctionStats } from './function-statistics.js'
import { Link } from './link.js'
import { CALL, type ExportDescription } from './messages.js'
import { resolveThreadPoolOptions, type ProxyOptions, type ResolvedThreadPoolOptions, type ThreadPoolOptions } from './options.js'
import { inlineFunctions, remoteModule } from './remote-module.js'
import type { Remote } from './remote-types.js'
import { revive } from './revive.js'
import { Scheduler } from './scheduler.js'

export interface ThreadPoolStats {
  readonly name: string
  /** The most threads that there may be. */
  readonly threads: number
  /** Threads that there are now, starting and ending ones too; without the condemned. */
  readonly size: number
  /** Threads that have a call. */
  readonly busy: number
  /** Calls that wait. */
  readonly queued: number
  /** Threads of this pool that would not end: see `condemnedThreads()`. Those that ended late do not count any more. */
  readonly condemned: number
  /** Objects that live in the threads. */
  readonly objects: number
  /** By name: `rbd.clone`, `rbd.Image.create`, `rbd.Image.resize`. */
  readonly functions: Readonly<Record<string, FunctionStats>>
}

export interface CloseOptions {
  /** For the calls that were made, in ms; then they reject with `POOL_CLOSED`. Default 30 000. */
  readonly graceMs?: number
}

const DEFAULT_GRACE_MS = 30_000

let modules = 0

/**
 * A fixed number of threads for calls that block, whatever the number of callers.
 *
 * ```ts
 * const pool = new ThreadPool({ threads: 8, name: 'rbd' })
 * const rbd = await pool.proxy<typeof import('./rbd.js')>(new URL('./rbd.js', import.meta.url))
 * await rbd.clone('a', 'b')
 * await using image = await rbd.Image.create(context, 'i1')
 * await image.resize(2 ** 30)
 * console.log(await image.size)
 * ```
 *
 * Guaranteed: never more than `threads` threads that can still be used; each call
 * runs at most once; the caller's loop waits for none of it. Arguments are read
 * when the call is sent, not when it is made: change none before its promise is
 * settled. A class instance that is not one of the module's own arrives without
 * its methods.
 *
 * Not guaranteed: that a call which was aborted has done nothing; an end of what a
 * native call does (its thread is condemned: see `condemnedThreads()`).
 */
export class ThreadPool implements AsyncDisposable {
  #options: ResolvedThreadPoolOptions
  #scheduler: Scheduler | undefined
  readonly #statistics = new Map<string, FunctionStatistics>()
  #closing: Promise<void> | undefined

  /** @throws RangeError */
  constructor(options: ThreadPoolOptions = {}) {
    this.#options = resolveThreadPoolOptions(options)
  }

  get name(): string {
    return this.#options.name
  }

  /**
   * Changes options before the pool is first used; the others stay.
   *
   * @throws ThreadPoolError POOL_STARTED; RangeError
   */
  configure(options: ThreadPoolOptions): void {
    if (this.#scheduler) throw new ThreadPoolError('POOL_STARTED', `Cannot configure the pool "${this.name}" as it must not have been used yet: ${this.#options.threads} threads`)
    this.#options = resolveThreadPoolOptions({ ...this.#options, ...options })
  }

  /**
   * The module at `url`, run in the threads. It is loaded in one of them now, and in
   * the others when they first have a call of it. `Others`: the types of the classes
   * that the option `remote` names.
   *
   * @throws what loading the module throws; ThreadPoolError EXPORT_NOT_FOUND, POOL_CLOSED, THREAD_START_FAILED
   */
  async proxy<Module, Others = never>(url: URL | string, options: ProxyOptions = {}): Promise<Remote<Module, Others>> {
    const { href, pathname } = new URL(url)
    const { remote = [], inline = [], dispose, name = basename(pathname, extname(pathname)) } = options
    const link = new Link({
      scheduler: this.#start(), statistics: this.#statistics, revive, name,
      module: { id: ++modules, url: href, remote, dispose },
    })
    const callee = { kind: CALL.describe, target: link.module.id, name: '', statistics: link.statisticsOf('(load)') }
    const exports = await link.call(callee, [], {}) as readonly ExportDescription[]
    const own = inline.length === 0 ? {} : await import(href) as Readonly<Record<string, unknown>>
    return remoteModule(link, exports, inlineFunctions(name, own, inline)) as Remote<Module, Others>
  }

  /** Resolves when fewer than `maxQueue` calls wait: for a producer that is to be held back. */
  async room(): Promise<void> {
    await this.#scheduler?.room()
  }

  stats(): ThreadPoolStats {
    const { threads = [], queued = 0, busy = 0, condemned = 0 } = this.#scheduler ?? {}
    return {
      name: this.name, threads: this.#options.threads, size: threads.length, busy, queued, condemned,
      objects: threads.reduce((sum, { handles }) => sum + handles.size, 0),
      functions: Object.fromEntries([...this.#statistics].map(([label, statistics]) => [label, statistics.read()])),
    }
  }

  /**
   * Refuses new calls, waits for those that were made, has the threads dispose the
   * objects that are left, and ends them. Resolves when each has ended or is
   * condemned; never later than `graceMs` and twice `abortGraceMs`.
   */
  close({ graceMs = DEFAULT_GRACE_MS }: CloseOptions = {}): Promise<void> {
    const closed = new ThreadPoolError('POOL_CLOSED', `Cannot call anything in the pool "${this.name}" as it must not be closed`)
    this.#closing ??= this.#start().close(closed, graceMs)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #start(): Scheduler {
    return this.#scheduler ??= new Scheduler(this.#options)
  }
}
