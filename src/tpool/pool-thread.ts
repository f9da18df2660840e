import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads'
import { CallQueue } from './call-queue.js'
import type { Call } from './call.js'
import { following, newClaim, takeBack } from './claim.js'
import { condemn } from './condemned.js'
import { ThreadPoolError } from './errors.js'
import { Failure } from './failure.js'
import type { Home, KnownHandle } from './home.js'
import { inheritedExecArgv } from './inherited-exec-argv.js'
import { ANSWER, type Answer, type Batch, type Control, type Notice, type ThreadStart } from './messages.js'
import type { ResolvedThreadPoolOptions } from './options.js'
import { refusedArguments } from './refused-arguments.js'

export interface PoolThreadEvents {
  /** It takes calls from now on. */
  readonly ready: (thread: PoolThread) => void
  /** Calls were answered. */
  readonly answered: (thread: PoolThread) => void
  /** It has ended, or is condemned: it does not count as a thread any more. */
  readonly ended: (thread: PoolThread) => void
  /** It will not end. */
  readonly condemned: (thread: PoolThread) => void
  /** It has ended after all. */
  readonly reprieved: (thread: PoolThread) => void
}

/**
 * The pool's side of one thread: what was handed to it, what waits for it alone,
 * and its end. It decides nothing; that is the scheduler's.
 *
 * Answers are read in a loop with `receiveMessageOnPort()`: after the first of
 * them each costs half of what an event costs.
 */
export class PoolThread implements Home {
  readonly name: string
  state: 'starting' | 'ready' | 'ending' | 'ended' = 'starting'
  /** Calls that only this thread may run. */
  readonly queue: CallQueue
  /** In their order; the first one is running, or will be next. */
  readonly handed: Call[] = []
  readonly handles = new Map<number, KnownHandle>()
  /** Objects that live here, and calls that will probably give one. */
  load = 0
  /** It kept quick calls waiting: it gets none ahead of their turn until it answers. */
  stalled = false
  /** Of the last answer, or of the first call after none; `performance.now()`. */
  progressAt = 0
  lost: unknown
  readonly #worker: Worker
  readonly #port: MessagePort
  readonly #claim = newClaim()
  readonly #events: PoolThreadEvents
  readonly #graceMs: number
  readonly #knownModules = new Set<number>()
  /** Resolves when it has ended or is condemned. */
  readonly ended: Promise<void>
  readonly #closed: Promise<void>
  #resolveClosed: () => void = () => {}
  #resolveEnded: () => void = () => {}
  #outbox: Call[] = []
  #next = 0
  #crash: unknown
  #ending: NodeJS.Timeout | undefined
  #reprieve: (() => void) | undefined

  constructor(name: string, options: ResolvedThreadPoolOptions, events: PoolThreadEvents) {
    this.name = name
    this.queue = new CallQueue(options.ageBoundMs)
    this.#events = events
    this.#graceMs = options.abortGraceMs
    this.#closed = new Promise((resolve) => { this.#resolveClosed = resolve })
    this.ended = new Promise((resolve) => { this.#resolveEnded = resolve })
    const { port1, port2 } = new MessageChannel()
    const { init, resourceLimits } = options
    const start: ThreadStart = { port: port2, claim: this.#claim, init: init && { module: init.module.href, data: init.data } }
    this.#port = port1.on('message', (message: unknown) => this.#receive(message))
    this.#port.unref()
    const execArgv = inheritedExecArgv(process.execArgv)
    this.#worker = new Worker(new URL('./thread/thread-main.js', import.meta.url), {
      name, workerData: start, transferList: [port2], ...resourceLimits && { resourceLimits }, ...execArgv && { execArgv },
    })
    // A thread that ends by itself closes the port first: the loop must live until it is known how.
    this.#port.once('close', () => { if (this.state !== 'ended') this.#worker.ref() })
    this.#worker.once('error', (error) => { this.#crash = error })
    this.#worker.once('exit', () => this.#exited())
  }

  /** Calls that it has, or is about to have. */
  get count(): number {
    return this.handed.length + this.#outbox.length
  }

  get isIdle(): boolean {
    return this.state === 'ready' && this.count === 0
  }

  /** Idle, and nothing waits for it alone. */
  get isFree(): boolean {
    return this.isIdle && this.queue.size === 0
  }

  /** It may have one more call before its turn, as all that it has are quick. */
  takesMore(limit: number): boolean {
    return this.state === 'ready' && !this.stalled && this.count < limit && this.handed.every(isQuick) && this.#outbox.every(isQuick)
  }

  /** Counts an object for `call`, which will probably give one. */
  reserve(call: Call): void {
    if (call.reserved) return
    call.reserved = true
    this.load++
  }

  release(call: Call): void {
    if (!call.reserved) return
    call.reserved = false
    this.load--
  }

  /** Puts `call` into the next batch. */
  assign(call: Call): void {
    call.quick = call.request.statistics.quick
    if (call.isSpread) this.reserve(call)
    this.#outbox.push(call)
  }

  /** Sends what was assigned, in one message. False when some of it could not be sent and was rejected. */
  flush(now: number): boolean {
    if (this.#outbox.length === 0) return true
    const calls = this.#outbox
    this.#outbox = []
    if (this.handed.length === 0) {
      this.progressAt = now
      this.#port.ref()
    }
    const sent = this.#sendEach(calls)
    if (this.handed.length === 0) this.#port.unref()
    return sent
  }

  /** Takes back what it has not started. */
  takeBack(): Call[] {
    const first = takeBack(this.#claim, this.#next)
    const index = this.handed.findIndex(({ number }) => number === first)
    const back = index < 0 ? [] : this.handed.splice(index)
    for (const call of back) this.release(call)
    return back
  }

  /** Takes in the answers that have come by now. */
  takeAnswers(): void {
    for (let next = receiveMessageOnPort(this.#port); next; next = receiveMessageOnPort(this.#port)) this.#take(next.message as Answer | Notice)
  }

  drop(id: number, times: number): void {
    this.#tell({ drop: id, times })
  }

  /** Lets it give its objects back. Resolves when it has, or has ended; rejects never. */
  async close(): Promise<void> {
    if (this.state === 'ended' || this.state === 'ending') return
    this.#port.ref()
    this.#tell({ close: true })
    await this.#closed
  }

  /** Ends it, whatever it does. `lost` is what its objects are told. */
  end(lost: unknown): void {
    if (this.state === 'ending' || this.state === 'ended') return
    this.state = 'ending'
    this.lost = lost
    this.#port.close()
    this.#ending = setTimeout(() => this.#condemn(), this.#graceMs)
    void this.#worker.terminate()
  }

  #sendEach(calls: readonly Call[]): boolean {
    try {
      this.#send(calls)
      return true
    } catch (error) {
      const [only, ...others] = calls
      if (only && others.length === 0) {
        this.release(only)
        only.reject(refusedArguments(only.request, error))
      } else {
        for (const call of calls) this.#sendEach([call])
      }
      return false
    }
  }

  #send(calls: readonly Call[]): void {
    const batch: Batch = []
    let transfer: ArrayBuffer[] | undefined
    let number = this.#next
    for (const call of calls) {
      const { kind, target, name, args, marks, module, options } = call.request
      if (!this.#knownModules.has(module.id)) this.#define(call)
      batch.push(number, kind, target, name, args, marks)
      call.number = number
      number = following(number)
      if (options.transfer) transfer = [...transfer ?? [], ...options.transfer]
    }
    this.#port.postMessage(batch, transfer)
    this.#next = number
    this.handed.push(...calls)
  }

  #define({ request }: Call): void {
    this.#knownModules.add(request.module.id)
    this.#tell({ define: request.module })
  }

  #tell(control: Control): void {
    this.#port.postMessage(control)
  }

  #receive(first: unknown): void {
    this.#take(first as Answer | Notice)
    this.takeAnswers()
    this.#events.answered(this)
  }

  #take(message: Answer | Notice): void {
    if (message === 'ready') {
      this.state = 'ready'
      this.#worker.unref()
      this.#events.ready(this)
    } else if (message === 'closed') {
      this.#resolveClosed()
    } else if ('failed' in message) {
      this.#crash = new Failure(message.failed, this.name).toError()
      void this.#worker.terminate()
    } else {
      this.#answer(message)
    }
  }

  #answer([kind, value, runMs]: Answer): void {
    const call = this.handed.shift()
    if (!call) return
    const now = performance.now()
    this.progressAt = now
    this.stalled = false
    if (this.handed.length === 0) this.#port.unref()
    const { request } = call
    request.statistics.record(Math.max(0, now - call.calledAt - runMs), runMs)
    this.release(call)
    if (kind === ANSWER.value) call.resolve(value)
    else if (kind === ANSWER.error) call.reject(new Failure(value as Failure['encoded'], this.name))
    else call.resolve(request.revive([kind, value], this, request.options))
  }

  #condemn(): void {
    const reprieve = condemn()
    this.#reprieve = () => {
      reprieve()
      this.#events.reprieved(this)
    }
    this.#events.condemned(this)
    this.#worker.unref()
    this.#gone()
  }

  #exited(): void {
    clearTimeout(this.#ending)
    this.#reprieve?.()
    this.takeAnswers()
    const cause = this.#crash
    this.lost ??= this.state === 'starting'
      ? new ThreadPoolError('THREAD_START_FAILED', `Cannot start the thread "${this.name}" as it ended before it was ready`, { cause })
      : new ThreadPoolError('THREAD_LOST', `Cannot go on in the thread "${this.name}" as it has ended`, { cause })
    this.#port.close()
    this.#gone()
  }

  #gone(): void {
    if (this.state === 'ended') return
    this.state = 'ended'
    this.#resolveClosed()
    this.#resolveEnded()
    this.#events.ended(this)
  }
}

function isQuick(call: Call): boolean {
  return call.quick
}
