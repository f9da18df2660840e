import { systemClock, type Clock } from '../base/clock.js'
import { QueueError } from './errors.js'
import { untilAborted } from './on-abort.js'
import { tellError, type TellError } from './outcome.js'
import type { WaitOptions } from './take-side.js'

export interface TargetsOptions<Connection> {
  /** Opens the connection to a target. Called once for all who ask meanwhile. `signal` aborts when the registry is closed. */
  readonly connect: (target: string, signal: AbortSignal) => Connection | PromiseLike<Connection>
  /** Closes a connection that nobody uses. */
  readonly close: (connection: Connection, target: string) => unknown
  /** From the last release to the closing, in ms. Default 30 000. Infinity: never. */
  readonly idleMs?: number
  /** Told of failures to close. Without it, an unhandled rejection. */
  readonly onError?: TellError
  /** Default: the monotonic clock of the system. */
  readonly clock?: Clock
}

/** A share of a connection. Leaving its scope gives it back. */
export interface TargetLease<Connection> extends AsyncDisposable {
  readonly target: string
  readonly connection: Connection
  /** Any number of times; the first counts. */
  release(): void
  /** The connection is broken: nobody gets it any more, and it is closed when the last who uses it has released it. Releases, too. */
  discard(): void
}

/** One connection, from its opening on. */
interface Entry<Connection> {
  readonly target: string
  readonly opened: Promise<Connection>
  /** Leases, and those who wait for one. */
  users: number
  /** When it was last released, by the clock. */
  idleSince: number
  isWatched: boolean
  /** Aborts when its closing begins. */
  readonly ended: AbortController
}

/**
 * Connections by target, each shared by all who ask for it: the number of connections
 * is that of the targets in use, whether there is one client or 10,000. Keep one
 * registry for each kind of connection, in a constant of a module: then it is the process's.
 *
 * While a connection is being opened, all who ask wait for it; when that fails, it
 * fails for all of them, and the next who asks tries anew. While one is being closed,
 * who asks waits for its end: never are there two to one target, unless one was discarded.
 */
export class Targets<Connection> {
  readonly #options: Required<Omit<TargetsOptions<Connection>, 'onError'>> & Pick<TargetsOptions<Connection>, 'onError'>
  readonly #entries = new Map<string, Entry<Connection>>()
  /** By target, what is to end before a new connection is opened. */
  readonly #closing = new Map<string, Promise<void>>()
  readonly #end = new AbortController()
  #opened = 0

  /** @throws RangeError for an idle time below 0 */
  constructor({ connect, close, idleMs = 30_000, onError, clock = systemClock }: TargetsOptions<Connection>) {
    if (!(idleMs >= 0)) throw new RangeError(`Cannot use the option idleMs as it is not below 0: ${idleMs}`)
    this.#options = { connect, close, idleMs, onError, clock }
  }

  /** Targets with a connection that is open or being opened. */
  get size(): number {
    return this.#entries.size
  }

  /** Connections that were ever asked of `connect`. */
  get opened(): number {
    return this.#opened
  }

  /** Leases of the target, and those who wait for one. */
  users(target: string): number {
    return this.#entries.get(target)?.users ?? 0
  }

  /**
   * A share of the connection to `target`, which is opened where there is none. A signal
   * ends the caller's wait; the connection is opened all the same, for the next.
   *
   * @throws TARGETS_CLOSED; what `connect` throws; the signal's reason
   */
  async acquire(target: string, { signal }: WaitOptions = {}): Promise<TargetLease<Connection>> {
    signal?.throwIfAborted()
    this.#assertOpen(target)
    const entry = this.#entries.get(target) ?? this.#open(target)
    entry.users++
    try {
      const connection = await (signal ? untilAborted(entry.opened, signal) : entry.opened)
      this.#assertOpen(target)
      return this.#lease(entry, connection)
    } catch (error) {
      this.#release(entry)
      throw error
    }
  }

  /** No more leases; closes each connection, whoever uses it. Resolves when all are closed. */
  async close(): Promise<void> {
    this.#end.abort(this.#closed('open a connection to', 'any target'))
    for (const entry of [...this.#entries.values()]) this.#close(entry)
    await Promise.all(this.#closing.values())
  }

  #open(target: string): Entry<Connection> {
    this.#opened++
    const entry: Entry<Connection> = { target, opened: this.#connect(target), users: 0, idleSince: 0, isWatched: false, ended: new AbortController() }
    this.#entries.set(target, entry)
    entry.opened.catch(() => this.#forget(entry))
    return entry
  }

  async #connect(target: string): Promise<Connection> {
    await this.#closing.get(target)
    this.#end.signal.throwIfAborted()
    return await this.#options.connect(target, this.#end.signal)
  }

  #lease(entry: Entry<Connection>, connection: Connection): TargetLease<Connection> {
    let held = true
    const release = (): void => {
      if (held) this.#release(entry)
      held = false
    }
    const discard = (): void => {
      if (held) this.#forget(entry)
      release()
    }
    return { target: entry.target, connection, release, discard, [Symbol.asyncDispose]: async () => release() }
  }

  #release(entry: Entry<Connection>): void {
    entry.users--
    if (entry.users > 0) return
    entry.idleSince = this.#options.clock.now()
    if (!this.#isCurrent(entry)) this.#close(entry)
    else if (!entry.isWatched) void this.#closeWhenIdle(entry)
  }

  /** One sleep for all releases of its time: acquiring and releasing in turns must be cheap. */
  async #closeWhenIdle(entry: Entry<Connection>): Promise<void> {
    const { idleMs, clock } = this.#options
    if (idleMs === Number.POSITIVE_INFINITY) return
    entry.isWatched = true
    for (let left = idleMs; left > 0 && entry.users === 0; left = entry.idleSince + idleMs - clock.now()) {
      await clock.sleep(left, entry.ended.signal).catch(() => {})
      if (entry.ended.signal.aborted) return
    }
    entry.isWatched = false
    if (entry.users === 0) this.#close(entry)
  }

  /** Once for each connection: after it, it is nobody's. */
  #close(entry: Entry<Connection>): void {
    const { target, ended } = entry
    if (ended.signal.aborted) return
    ended.abort()
    this.#forget(entry)
    const closed = Promise.all([this.#closing.get(target), this.#closeOne(entry)]).then(() => {
      if (this.#closing.get(target) === closed) this.#closing.delete(target)
    })
    this.#closing.set(target, closed)
  }

  async #closeOne({ opened, target }: Entry<Connection>): Promise<void> {
    let connection: Connection
    try {
      connection = await opened
    } catch {
      // Never opened; those who waited for it were told.
      return
    }
    try {
      await this.#options.close(connection, target)
    } catch (error) {
      tellError(error, this.#options.onError)
    }
  }

  #forget(entry: Entry<Connection>): void {
    if (this.#isCurrent(entry)) this.#entries.delete(entry.target)
  }

  #isCurrent(entry: Entry<Connection>): boolean {
    return this.#entries.get(entry.target) === entry
  }

  #assertOpen(target: string): void {
    if (this.#end.signal.aborted) throw this.#closed('acquire', target)
  }

  #closed(act: string, target: string): QueueError {
    return new QueueError('TARGETS_CLOSED', `Cannot ${act} "${target}" as the connections have been closed`)
  }
}
