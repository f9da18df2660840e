import { BoundedQueue, FairConsumers, TaskPool, yieldNow } from '#src/queue/index.js'
import { collectGarbage } from './pipes-cost.js'
import type { QueuePeers } from './queue-peers.js'

/** Puts `count` items that cost nothing, and waits until all are done. */
export type QueueRun = (count: number) => Promise<void>

const CONCURRENCY = 8

/** What hands items to a worker that is a promise, and what does to one that is a callback. */
export function queueRuns({ fastq, PQueue }: QueuePeers): Readonly<Record<string, QueueRun>> {
  return {
    'fastq, callbacks': (count) => new Promise((resolve) => {
      const queue = fastq<number>((_item, done) => done(), CONCURRENCY)
      const counted = countdown(count, resolve)
      for (let n = 0; n < count; n++) queue.push(n, counted)
    }),
    'fastq, async worker': (count) => new Promise((resolve) => {
      const queue = fastq<number>((item, done) => void work(item).then(done), CONCURRENCY)
      queue.drain = resolve
      for (let n = 0; n < count; n++) queue.push(n, () => {})
    }),
    'p-queue': async (count) => {
      const queue = new PQueue({ concurrency: CONCURRENCY })
      for (let n = 0; n < count; n++) void queue.add(() => work(n))
      await queue.onIdle()
    },
    'reeve BoundedQueue, tryPut': async (count) => {
      const queue = new BoundedQueue<number>({ capacity: count })
      const consumers = Array.from({ length: CONCURRENCY }, async () => { for await (const item of queue) await work(item) })
      for (let n = 0; n < count; n++) queue.tryPut(n)
      queue.close()
      await Promise.all(consumers)
    },
    'reeve BoundedQueue of 1024, put': async (count) => {
      const queue = new BoundedQueue<number>({ capacity: 1_024 })
      const consumers = Array.from({ length: CONCURRENCY }, async () => { for await (const item of queue) await work(item) })
      for (let n = 0; n < count; n++) await queue.put(n)
      queue.close()
      await Promise.all(consumers)
    },
    'reeve FairConsumers, tryPut': async (count) => {
      const queue = new FairConsumers<number>({ handler: work, consumers: CONCURRENCY, capacity: count })
      for (let n = 0; n < count; n++) queue.tryPut('all', n)
      await queue.close()
    },
    'reeve TaskPool, spawn': async (count) => {
      const tasks = new TaskPool({ size: CONCURRENCY })
      for (let n = 0; n < count; n++) await tasks.spawn(work, n)
      await tasks.waitAll()
    },
  }
}

/** ns an item. */
export async function nsPerItem(run: QueueRun, count: number): Promise<number> {
  collectGarbage()
  const start = process.hrtime.bigint()
  await run(count)
  return Number(process.hrtime.bigint() - start) / count
}

/** Of many tasks that are there at once. */
export interface TaskCost {
  readonly startNs: number
  /** Of heap, while all of them wait. */
  readonly bytes: number
  /** From one task to the next by a promise, and by a turn of the event loop. */
  readonly switchNs: number
  readonly turnNs: number
}

/** Starts all tasks, and gives what resolves when they have ended. */
export type TaskStarter = (count: number, task: () => Promise<void>) => Promise<() => Promise<unknown>>

const SWITCHES = 20

export const bareTasks: TaskStarter = async (count, task) => {
  const all = Array.from({ length: count }, () => task())
  return () => Promise.all(all)
}

export const pooledTasks: TaskStarter = async (count, task) => {
  const tasks = new TaskPool({ size: count })
  for (let n = 0; n < count; n++) await tasks.spawnN(task)
  return () => tasks.waitAll()
}

export async function taskCost(start: TaskStarter, count: number): Promise<TaskCost> {
  collectGarbage()
  const gate = openGate()
  const heap = process.memoryUsage().heapUsed
  const startNs = await timed(async () => { await start(count, gate.wait) }, count)
  collectGarbage()
  const bytes = (process.memoryUsage().heapUsed - heap) / count
  gate.open()
  await yieldNow()
  return { startNs, bytes, switchNs: await switchCost(start, count, async () => {}), turnNs: await switchCost(start, count, yieldNow) }
}

async function switchCost(start: TaskStarter, count: number, pause: () => Promise<void>): Promise<number> {
  collectGarbage()
  const task = async (): Promise<void> => { for (let n = 0; n < SWITCHES; n++) await pause() }
  return await timed(async () => { await (await start(count, task))() }, count * SWITCHES)
}

/** The task itself waits: what is counted is a task, not the gate. */
function openGate(): { readonly wait: () => Promise<void>; readonly open: () => void } {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => { open = resolve })
  return { open, wait: async () => { await opened } }
}

async function timed(run: () => Promise<void>, count: number): Promise<number> {
  const start = process.hrtime.bigint()
  await run()
  return Number(process.hrtime.bigint() - start) / count
}

async function work(item: number): Promise<void> {
  void item
}

function countdown(count: number, done: () => void): () => void {
  let left = count
  return () => { if (--left === 0) done() }
}
