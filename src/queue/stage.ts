import type { Clock } from '../base/clock.js'
import { queueAborted } from './errors.js'
import { FairConsumers, type FairConsumersStatistics, type HandlerContext } from './fair-consumers.js'
import { isAbortOf } from './on-abort.js'
import { PendingOutcome, type Outcome, type TellError } from './outcome.js'
import type { WaitOptions } from './take-side.js'

export interface StageOptions<Item, Result> {
  /** For messages and statistics. */
  readonly name: string
  /** Does the work of one item; what it gives is the item of the next stage, or the result. */
  readonly handler: (item: Item, context: HandlerContext) => Result | PromiseLike<Result>
  /** Handlers that run at once, at most, besides the one of the control lane. Default 1. */
  readonly consumers?: number
  /** Which queue an item goes to: a pool's, an image's, a target's. The queues are served fairly. Default: one queue for all. */
  readonly queueOf?: (item: Item) => string
  /** Handlers of one queue that run at once, at most. 1 keeps the order of each queue. Default: no bound of its own. */
  readonly perQueue?: number
  /** Items that a queue holds at most. Default 1024. */
  readonly capacity?: number
  /** Items of a queue that are served in its turn. Default 1. */
  readonly weight?: (queue: string) => number
  /** Told once of each failure for whose `result` nobody has asked. Without it such a failure is an unhandled rejection. */
  readonly onError?: TellError
  /** For the time in the queues. Default: the monotonic clock of the system. */
  readonly clock?: Clock
}

export interface SubmitOptions extends WaitOptions {
  /**
   * `control`, for drain or configuration: a lane with room and a consumer of its own,
   * which a flood of data thus never delays. Default `data`.
   */
  readonly lane?: 'data' | 'control'
}

export interface StageStatistics {
  readonly data: FairConsumersStatistics
  readonly control: FairConsumersStatistics
}

/** Where the result of a stage goes: to who submitted, or to the next stage, which may make it wait. */
export interface Receiver<Result> {
  resolve(result: Result): void | Promise<void>
  reject(error: unknown): void
}

interface Submission<Item, Result> {
  readonly item: Item
  readonly receiver: Receiver<Result>
}

/**
 * One step of a pipeline: queues, and consumers that are theirs. `submit` returns as
 * soon as the item was let into its queue; the handler runs later. A failure of the
 * handler is the outcome of its item, and stops nothing else.
 */
export class Stage<Item, Result> {
  readonly name: string
  readonly #queueOf: (item: Item) => string
  readonly #data: FairConsumers<Submission<Item, Result>>
  readonly #control: FairConsumers<Submission<Item, Result>>
  readonly #onError: TellError | undefined
  readonly #abortion = new AbortController()

  /** @throws RangeError for a number of consumers or a bound that is not a whole number of at least 1 */
  constructor({ name, handler, consumers, queueOf = () => name, perQueue, capacity, weight, onError, clock }: StageOptions<Item, Result>) {
    const common = { name, capacity, clock, handler: (submission: Submission<Item, Result>, context: HandlerContext) => run(handler, submission, context) }
    this.name = name
    this.#queueOf = queueOf
    this.#onError = onError
    this.#data = new FairConsumers({ ...common, consumers, perQueue, weight })
    this.#control = new FairConsumers(common)
  }

  /**
   * Resolves when the item was let in, waiting while its queue is full; its outcome comes later.
   *
   * @throws QUEUE_CLOSED; the reason of `abort()`; the signal's reason. The item was then not let in.
   */
  async submit(item: Item, options?: SubmitOptions): Promise<Outcome<Result>> {
    const outcome = new PendingOutcome<Result>()
    await this.submitFor(item, {
      resolve: (result) => outcome.succeed(result),
      reject: (error) => isAbortOf(this.#abortion.signal, error) ? outcome.cancel(error) : outcome.fail(error, this.#onError),
    }, options)
    return outcome
  }

  /** The same, with the result going to `receiver`, one call of its two. The consumer waits for what `resolve` gives: that is the back-pressure of the next stage. */
  submitFor(item: Item, receiver: Receiver<Result>, { lane = 'data', signal }: SubmitOptions = {}): Promise<void> {
    const submission = { item, receiver }
    return lane === 'control' ? this.#control.put(lane, submission, { signal }) : this.#data.put(this.#queueOf(item), submission, { signal })
  }

  /** No further handler starts, but for those of the control lane. Resolves when none of the data's is running. */
  pause(options?: WaitOptions): Promise<void> {
    return this.#data.pause(options)
  }

  resume(): void {
    this.#data.resume()
  }

  /** Resolves as soon as nothing waits and no handler runs. */
  async drain(options?: WaitOptions): Promise<void> {
    await Promise.all([this.#data.drain(options), this.#control.drain(options)])
  }

  /** No more items; those that were let in are handled. Resolves when all is done. */
  async close(options?: WaitOptions): Promise<void> {
    await Promise.all([this.#data.close(options), this.#control.close(options)])
  }

  /** At once: running handlers have their signal aborted, the outcome of every item that no handler got is `reason`. That is no failure to be told. */
  abort(reason: unknown = queueAborted(this.name)): void {
    this.#abortion.abort(reason)
    for (const { receiver } of [...this.#data.abort(reason), ...this.#control.abort(reason)]) receiver.reject(reason)
  }

  statistics(): StageStatistics {
    return { data: this.#data.statistics(), control: this.#control.statistics() }
  }
}

async function run<Item, Result>(handler: StageOptions<Item, Result>['handler'], { item, receiver }: Submission<Item, Result>, context: HandlerContext): Promise<void> {
  let result: Result
  try {
    result = await handler(item, context)
  } catch (error) {
    return receiver.reject(error)
  }
  await receiver.resolve(result)
}
