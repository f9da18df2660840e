import { pathToFileURL } from 'node:url'
import { contenderFile } from './paths.js'

/** What the benchmarks use of fastq. */
export interface Fastq<Item> {
  push(item: Item, done: () => void): void
  drain: () => void
}

/** What they use of p-queue. Its priority is strict. */
export interface PQueue {
  add<Result>(task: () => Result | Promise<Result>, options?: { readonly priority?: number }): Promise<Result>
  onIdle(): Promise<void>
}

export interface QueuePeers {
  readonly fastq: <Item>(worker: (item: Item, done: () => void) => void, concurrency: number) => Fastq<Item>
  readonly PQueue: new (options: { readonly concurrency: number }) => PQueue
}

export async function loadQueuePeers(): Promise<QueuePeers> {
  return await import(pathToFileURL(contenderFile('queue-peers.mjs')).href) as QueuePeers
}
