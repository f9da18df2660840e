import { AsyncResource } from 'node:async_hooks'
import { hasCode } from '../base/errors.js'
import { CallQueue, isBefore } from './call-queue.js'
import { Call, type CallRequest } from './call.js'
import { lostObject, ThreadPoolError } from './errors.js'
import { Failure } from './failure.js'
import type { ResolvedThreadPoolOptions } from './options.js'
import { PoolThread, type PoolThreadEvents } from './pool-thread.js'

/** The most calls that a quick thread has at once. */
const AHEAD = 16
/** A thread that starts takes some 30 ms of a CPU; many at once would take the loop's. */
const STARTS_AT_ONCE = 2
/** So long, in ms, may a thread keep quick calls that it does not get to. */
const STALL_MS = 2

/**
 * Which call runs where, and when.
 *
 * Calls made in one turn of the loop are dealt out together at its end, in one
 * message a thread. An idle thread gets one call. Only when none is idle, a call
 * that has shown to be quick is handed ahead to a thread that has none but quick
 * ones; should it not get to it within `STALL_MS`, it is taken back (`claim.ts`)
 * and goes to whichever thread is free first. So a call that may block never
 * waits behind another, and quick ones share the cost of their messages.
 *
 * A thread runs one call at a time, an async one to its end. Calls of an object
 * wait for its thread; all others for any.
 */
export class Scheduler {
  readonly threads: PoolThread[] = []
  /** Calls that any thread may run. */
  readonly #queue: CallQueue
  readonly #options: ResolvedThreadPoolOptions
  /** So that a thread does not keep the async context of the caller for whom it was started. */
  readonly #scope = new AsyncResource('ReeveThreadPool')
  readonly #events: PoolThreadEvents
  readonly #condemned = new Set<PoolThread>()
  readonly #roomWanted: (() => void)[] = []
  #drainWanted: (() => void) | undefined
  #named = 0
  #isDue = false
  #stallTimer: NodeJS.Timeout | undefined
  #closed: ThreadPoolError | undefined

  constructor(options: ResolvedThreadPoolOptions) {
    this.#options = options
    this.#queue = new CallQueue(options.ageBoundMs)
    this.#events = {
      ready: () => this.#dispatch(),
      answered: (thread) => this.#answered(thread),
      ended: (thread) => this.#ended(thread),
      condemned: (thread) => void this.#condemned.add(thread),
      reprieved: (thread) => void this.#condemned.delete(thread),
    }
  }

  /** Calls that wait; with those that wait for one thread. */
  get queued(): number {
    return this.threads.reduce((sum, { queue }) => sum + queue.size, this.#queue.size)
  }

  /** Threads that would not end when they were told to, and have not ended since. */
  get condemned(): number {
    return this.#condemned.size
  }

  get busy(): number {
    return this.threads.filter(({ handed }) => handed.length > 0).length
  }

  /** Fewer than `maxQueue` calls wait for more than a thread that is free, or can be started. */
  get hasRoom(): boolean {
    return this.queued < this.#options.maxQueue + this.#options.threads - this.busy
  }

  /** The answer to a call. An async function, for the sake of the caller's stack: see `Failure`. */
  async invoke(request: CallRequest): Promise<unknown> {
    const call = this.#submit(request)
    try {
      return await call.settled
    } catch (error) {
      throw error instanceof Failure ? error.toError() : error
    }
  }

  /** Resolves when `hasRoom`. */
  async room(): Promise<void> {
    while (!this.hasRoom) await new Promise<void>((resolve) => this.#roomWanted.push(resolve))
  }

  /** Refuses calls from now on; ends the threads when all is answered, or after `graceMs`. Resolves when they have ended or are condemned. */
  async close(closed: ThreadPoolError, graceMs: number): Promise<void> {
    this.#closed = closed
    await this.#within(graceMs, this.#drained())
    for (const call of this.#queue.drain()) call.reject(closed)
    const giveBack = Promise.all(this.threads.filter((thread) => thread.isFree).map((thread) => thread.close()))
    await this.#within(this.#options.abortGraceMs, giveBack)
    for (const thread of this.threads) {
      for (const call of [...thread.handed.splice(0), ...thread.queue.drain()]) call.reject(closed)
      thread.end(closed)
    }
    await Promise.all(this.threads.map(({ ended }) => ended))
  }

  async #drained(): Promise<void> {
    if (!this.#isDrained) await new Promise<void>((resolve) => { this.#drainWanted = resolve })
  }

  /** Waits for `work`, but no longer than `ms`. */
  async #within(ms: number, work: Promise<unknown>): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => { timer = setTimeout(resolve, Math.min(ms, 2 ** 31 - 1)) })
    await Promise.race([work, late])
    clearTimeout(timer)
  }

  #submit(request: CallRequest): Call {
    const { signal } = request.options
    if (this.#closed) throw this.#closed
    signal?.throwIfAborted()
    if (this.#options.whenFull === 'reject' && !this.hasRoom) throw queueFull(request, this.#options.maxQueue)
    const owner = this.#ownerOf(request)
    const call = new Call(request, performance.now())
    call.watch((reason) => this.#stop(call, () => reason), (timeoutMs) => this.#stop(call, (ran) => timedOut(request, timeoutMs, ran)))
    ;(owner?.queue ?? this.#queue).push(call)
    this.#schedule()
    return call
  }

  #ownerOf({ owner, statistics }: CallRequest): PoolThread | undefined {
    if (!owner) return undefined
    const thread = this.threads.find((each) => each === owner)
    if (!thread || thread.lost !== undefined) throw lostObject(statistics.label, owner)
    return thread
  }

  /** At the end of this turn: after all that the caller, and those who wait with him, have to call. */
  #schedule(): void {
    if (this.#isDue) return
    this.#isDue = true
    process.nextTick(() => this.#dispatch())
  }

  #answered(thread: PoolThread): void {
    if (this.#queue.size > 0 || thread.queue.size > 0) this.#dispatch()
    else this.#tellWaiting()
  }

  #dispatch(): void {
    this.#isDue = false
    const now = performance.now()
    this.#dealToFree(now)
    this.#dealToOwners(now)
    if (this.#queue.size > 0) this.#startThreads()
    this.#dealAhead(now)
    // What could not be sent leaves its thread idle.
    for (const thread of this.threads) if (!thread.flush(now)) this.#schedule()
    this.#watchStalls()
    this.#tellWaiting()
  }

  /** One call to each thread that is idle and that none of its own wait for. */
  #dealToFree(now: number): void {
    for (let call = this.#queue.peek(now); call; call = this.#queue.peek(now)) {
      const thread = this.#leastLoaded()
      if (call.isSpread && thread?.load !== 0 && this.#canStart) {
        if (this.#starting >= STARTS_AT_ONCE) break
        this.#startFor(call)
      } else if (thread) {
        this.#assign(call, thread)
      } else {
        break
      }
    }
  }

  /** One to each other idle thread: its own, unless it is the turn of one that any may run. */
  #dealToOwners(now: number): void {
    for (const thread of this.threads) {
      if (thread.queue.size === 0 || !thread.isIdle) continue
      const own = thread.queue.peek(now)
      const any = this.#queue.peek(now)
      const next = own && any && isBefore(any, own, now - this.#options.ageBoundMs) && !any.isSpread ? any : own
      if (next) this.#assign(next, thread)
    }
  }

  /** While there is no idle thread. */
  #dealAhead(now: number): void {
    for (let call = this.#queue.peek(now); call?.request.statistics.quick; call = this.#queue.peek(now)) {
      const thread = this.#leastBusy()
      if (!thread) break
      this.#assign(call, thread)
    }
    for (const thread of this.threads) {
      if (thread.queue.size === 0) continue
      for (let call = thread.queue.peek(now); call?.request.statistics.quick && thread.takesMore(AHEAD); call = thread.queue.peek(now)) this.#assign(call, thread)
    }
  }

  #assign(call: Call, thread: PoolThread): void {
    call.queue?.remove(call)
    thread.assign(call)
  }

  #leastLoaded(): PoolThread | undefined {
    let best: PoolThread | undefined
    for (const thread of this.threads) {
      if (thread.isFree && (!best || thread.load < best.load)) best = thread
    }
    return best
  }

  #leastBusy(): PoolThread | undefined {
    let best: PoolThread | undefined
    for (const thread of this.threads) {
      if (thread.count < (best?.count ?? AHEAD) && thread.takesMore(AHEAD)) best = thread
    }
    return best
  }

  get #canStart(): boolean {
    return this.threads.length < this.#options.threads
  }

  get #starting(): number {
    return this.threads.filter(({ state }) => state === 'starting').length
  }

  #startThreads(): void {
    if (this.#canStart && this.#starting < Math.min(STARTS_AT_ONCE, this.#queue.size)) this.#start()
  }

  /** A thread that has no object yet, for a call that gives one. */
  #startFor(call: Call): void {
    const thread = this.#start()
    thread.reserve(call)
    call.queue?.remove(call)
    thread.queue.push(call)
  }

  #start(): PoolThread {
    const name = `${this.#options.name}-${++this.#named}`
    const thread = this.#scope.runInAsyncScope(() => new PoolThread(name, this.#options, this.#events))
    this.threads.push(thread)
    return thread
  }

  /** Looks after the threads that have calls ahead of their turn, as long as there are some. */
  #watchStalls(): void {
    if (this.#stallTimer || !this.threads.some(({ handed }) => handed.length > 1)) return
    this.#stallTimer = this.#scope.runInAsyncScope(() => setTimeout(() => {
      this.#stallTimer = undefined
      const now = performance.now()
      for (const thread of this.threads) {
        if (thread.handed.length < 2 || now - thread.progressAt < STALL_MS) continue
        thread.stalled = true
        this.#putBack(thread)
      }
      this.#dispatch()
    }, STALL_MS))
    this.#stallTimer.unref()
  }

  /** Takes back what `thread` has not started; it will be dealt out again, in its old order. */
  #putBack(thread: PoolThread): void {
    for (const call of thread.takeBack().reverse()) (call.request.owner ? thread.queue : this.#queue).unshift(call)
  }

  /** An abort, or a time that is over. */
  #stop(call: Call, reasonOf: (ran: boolean) => unknown): void {
    const thread = this.threads.find(({ handed, queue }) => handed.includes(call) || queue === call.queue)
    if (thread && !call.queue) {
      thread.takeAnswers()
      this.#putBack(thread)
    }
    if (call.isSettled) return this.#schedule()
    const runs = !call.queue
    call.reject(reasonOf(runs))
    thread?.release(call)
    call.queue?.remove(call)
    if (thread && runs) this.#end(thread, new ThreadPoolError('THREAD_LOST', `Cannot go on in the thread "${thread.name}" as a call of ${call.request.statistics.label} on it was stopped`))
    this.#schedule()
  }

  #end(thread: PoolThread, lost: ThreadPoolError): void {
    thread.end(lost)
    this.#loseCalls(thread)
  }

  #ended(thread: PoolThread): void {
    this.threads.splice(this.threads.indexOf(thread), 1)
    this.#loseCalls(thread)
    const startFailed = hasCode(thread.lost, 'THREAD_START_FAILED')
    const waiting = startFailed ? this.#queue.peek(performance.now()) : undefined
    // The call for which it was started, so that an init that always fails is not tried for ever.
    if (waiting) {
      this.#queue.remove(waiting)
      waiting.reject(thread.lost)
    }
    this.#dispatch()
  }

  /** What it had not begun goes to other threads; what only it could do is lost. */
  #loseCalls(thread: PoolThread): void {
    thread.takeAnswers()
    this.#putBack(thread)
    for (const call of thread.handed.splice(0)) call.reject(thread.lost)
    for (const call of thread.queue.drain()) call.reject(call.request.owner ? lostObject(call.request.statistics.label, thread) : thread.lost)
  }

  get #isDrained(): boolean {
    return this.queued === 0 && this.busy === 0
  }

  #tellWaiting(): void {
    if (this.#roomWanted.length > 0 && this.hasRoom) for (const resolve of this.#roomWanted.splice(0)) resolve()
    if (this.#drainWanted && this.#isDrained) this.#drainWanted()
  }
}

function queueFull({ statistics }: CallRequest, maxQueue: number): ThreadPoolError {
  return new ThreadPoolError('QUEUE_FULL', `Cannot call "${statistics.label}" as no more calls may wait than maxQueue: ${maxQueue}`, { details: { maxQueue } })
}

function timedOut({ statistics }: CallRequest, timeoutMs: number, ran: boolean): ThreadPoolError {
  const where = ran ? 'its thread was ended' : 'it still waited'
  return new ThreadPoolError('CALL_TIMEOUT', `Cannot call "${statistics.label}" as it must be answered within ${timeoutMs} ms: ${where}`, { details: { timeoutMs, ran } })
}
