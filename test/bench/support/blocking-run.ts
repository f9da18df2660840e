import { setTimeout as delay } from 'node:timers/promises'
import { TaskPool, yieldNow } from '#src/queue/index.js'
import { Beat } from './blocking-beat.js'

/** What a process does that serves requests by a back end that blocks. */
export interface BlockingBackend {
  request(): Promise<unknown>
  close(): Promise<unknown>
}

/** Times in ms. */
export interface BlockingRun {
  /** From the first arrival to the last end. */
  readonly makespan: number
  /** Of each request, from when it should have come to its end. */
  readonly latencies: readonly number[]
  readonly mostInFlight: number
  /** Of each beat. */
  readonly beatLateness: readonly number[]
}

const TASKS = 1_024

/**
 * One request as a warm-up, then each of `arrivals` in a task of a pool. An
 * arrival is a point in time: one that a blocked loop has missed comes at once.
 */
export async function serveArrivals(backend: BlockingBackend, arrivals: readonly number[], beatMs: number): Promise<BlockingRun> {
  await backend.request()
  const tasks = new TaskPool({ size: TASKS })
  const latencies: number[] = []
  let inFlight = 0
  let mostInFlight = 0
  const beat = new Beat(beatMs)
  const start = performance.now()
  for (const at of arrivals) {
    const left = start + at - performance.now()
    // The pause after each arrival lets others run, however late it is.
    await (left > 0 ? delay(left) : yieldNow())
    await tasks.spawnN(async () => {
      mostInFlight = Math.max(mostInFlight, ++inFlight)
      await backend.request()
      inFlight--
      latencies.push(performance.now() - start - at)
    })
  }
  await tasks.waitAll()
  const makespan = performance.now() - start
  return { makespan, latencies, mostInFlight, beatLateness: await beat.stop() }
}
