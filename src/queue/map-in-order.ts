import { BoundedQueue } from './bounded-queue.js'
import { QueueError } from './errors.js'
import { untilAborted } from './on-abort.js'
import type { Task } from './task.js'

export type Source<Item> = Iterable<Item> | AsyncIterable<Item>

export interface MapOptions {
  /** Started tasks and results not yet fetched, at most. Default: the size of the pool. */
  readonly window?: number
  /** Ends the iteration: it rejects with the signal's reason, and its tasks are aborted. */
  readonly signal?: AbortSignal
  /**
   * False, the default: the first failure ends the iteration, in its place in the order.
   * True: it goes on, and gives `{ status, value }` or `{ status, reason }` for each item.
   */
  readonly settled?: boolean
}

/** Starts a task, waiting for room until the signal aborts. */
type Spawn<Item, Result> = (item: Item, signal: AbortSignal) => Promise<Task<Result>>

/** What the side that reads and the side that gives share. */
interface Mapping<Item, Result> {
  readonly source: Source<Item>
  readonly spawn: Spawn<Item, Result>
  readonly signal: AbortSignal
  /** One for each task whose result was not fetched: full, no item is read. */
  readonly places: BoundedQueue<undefined>
  readonly tasks: BoundedQueue<Task<Result>>
}

/** See `TaskPool.imap`. A source is read while earlier tasks run, so that a slow one holds up no result. */
export async function* mapInOrder<Item, Result>(source: Source<Item>, spawn: Spawn<Item, Result>, { window: capacity = 1, settled = false, signal: outer }: MapOptions): AsyncGenerator<Result | PromiseSettledResult<Result>, void, undefined> {
  const left = new AbortController()
  const signal = outer ? AbortSignal.any([outer, left.signal]) : left.signal
  const mapping = { source, spawn, signal, places: new BoundedQueue<undefined>({ capacity }), tasks: new BoundedQueue<Task<Result>>({ capacity }) }
  const started = new Set<Task<Result>>()
  outer?.throwIfAborted()
  const reading = readAhead(mapping, started)
  // Told at its place in the order, by the await below.
  reading.catch(() => {})
  try {
    for await (const task of mapping.tasks.items({ signal })) {
      const result = await untilAborted<Result | PromiseSettledResult<Result>>(settled ? settle(task) : task.result, signal)
      started.delete(task)
      mapping.places.tryTake()
      yield result
    }
    await reading
  } finally {
    left.abort(new QueueError('POOL_ABORTED', 'Cannot go on with the task as nobody fetches its result: the iteration was left'))
    for (const task of started) task.abort(signal.reason)
  }
}

async function readAhead<Item, Result>({ source, spawn, signal, places, tasks }: Mapping<Item, Result>, started: Set<Task<Result>>): Promise<void> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  let isDone = false
  try {
    while (!isDone) {
      await places.put(undefined, { signal })
      const next = await untilAborted(Promise.resolve(iterator.next()), signal)
      isDone = next.done === true
      if (!next.done) await start(next.value)
    }
  } finally {
    tasks.close()
    // As in a loop that ends by an exception: what the source says to its end does not hide it. It is not awaited, for it may be stuck.
    if (!isDone) Promise.resolve(iterator.return?.()).catch(() => {})
  }

  async function start(item: Item): Promise<void> {
    const task = await spawn(item, signal)
    if (signal.aborted) return task.abort(signal.reason)
    started.add(task)
    tasks.tryPut(task)
  }
}

async function settle<Result>(task: Task<Result>): Promise<PromiseSettledResult<Result>> {
  const [outcome] = await Promise.allSettled([task.result])
  return outcome
}
