import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { ThreadPool, type Remote } from '#src/tpool/index.js'
import type { BlockingBackend } from './blocking-run.js'
import type { RequestTimes } from './blocking-schedule.js'
import { benchEnvironment } from './environment.js'
import { contenderFile } from './paths.js'

/** The exports of blocking-backend.mjs. Times in ms. */
export interface BackendModule {
  connect(ms: number): void
  clone(ms: number): void
  readonly Client: new (ms: number) => BackendClient
  readonly Image: new (client: BackendClient, ms: number) => BackendImage
}

interface BackendClient {
  clone(ms: number): void
}

interface BackendImage {
  id(): number
  close(): void
}

const BACKEND = pathToFileURL(contenderFile('blocking-backend.mjs'))

/** The module as it is: every call of it blocks the caller. */
export async function importBackend(): Promise<BackendModule> {
  return await import(BACKEND.href) as BackendModule
}

export async function proxyBackend(pool: ThreadPool, inline: readonly string[] = []): Promise<Remote<BackendModule>> {
  return await pool.proxy<BackendModule>(BACKEND, { name: 'backend', inline })
}

/** Both calls in threads. */
export async function inThreads({ connectMs, cloneMs }: RequestTimes, threads: number): Promise<BlockingBackend> {
  const pool = new ThreadPool({ threads })
  const backend = await proxyBackend(pool)
  const request = async (): Promise<void> => {
    await backend.connect(connectMs)
    await backend.clone(cloneMs)
  }
  return { request, close: () => pool.close() }
}

/** The same with every thread running before the first arrival: what is left is not the start of threads. */
export async function startedBefore(times: RequestTimes, threads: number): Promise<BlockingBackend> {
  const backend = await inThreads(times, threads)
  await Promise.all(Array.from({ length: threads }, () => backend.request()))
  return backend
}

/** Both calls in threads: the first is a constructor, and the object keeps to its thread. */
export async function objectsInThreads({ connectMs, cloneMs }: RequestTimes, threads: number): Promise<BlockingBackend> {
  const pool = new ThreadPool({ threads })
  const backend = await proxyBackend(pool)
  const request = async (): Promise<void> => {
    await using client = await backend.Client.create(connectMs)
    await client.clone(cloneMs)
  }
  return { request, close: () => pool.close() }
}

/** The fault: what makes the connection is not taken for something that blocks. */
export async function connectOnLoop({ connectMs, cloneMs }: RequestTimes, threads: number): Promise<BlockingBackend> {
  const pool = new ThreadPool({ threads })
  const backend = await proxyBackend(pool, ['connect'])
  const request = async (): Promise<void> => {
    await backend.connect(connectMs)
    await backend.clone(cloneMs)
  }
  return { request, close: () => pool.close() }
}

export async function onLoop({ connectMs, cloneMs }: RequestTimes): Promise<BlockingBackend> {
  const backend = await importBackend()
  const request = async (): Promise<void> => {
    backend.connect(connectMs)
    backend.clone(cloneMs)
  }
  return { request, close: async () => {} }
}

/** The control: the same waits, and nothing that waits. */
export async function timersOnly({ connectMs, cloneMs }: RequestTimes): Promise<BlockingBackend> {
  const request = async (): Promise<void> => {
    await delay(connectMs)
    await delay(cloneMs)
  }
  return { request, close: async () => {} }
}

/** The same calls of a second process, over HTTP. */
export async function overRest({ connectMs, cloneMs }: RequestTimes): Promise<BlockingBackend> {
  const server = fork(contenderFile('blocking-rest.mjs'), { env: benchEnvironment() })
  const [port] = (await once(server, 'message')) as [number]
  const agent = new Agent({ keepAlive: true })
  const call = (ms: number): Promise<void> => new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', path: `/${ms}`, agent }, (response) => response.resume().on('end', resolve)).on('error', reject)
  })
  const request = async (): Promise<void> => {
    await call(connectMs)
    await call(cloneMs)
  }
  const close = async (): Promise<void> => {
    agent.destroy()
    server.disconnect()
    await once(server, 'exit')
  }
  return { request, close }
}
