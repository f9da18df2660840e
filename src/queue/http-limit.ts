import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Task } from './task.js'
import type { TaskPool } from './task-pool.js'

export interface LimitOptions {
  /** Spawns that may wait in the pool; a request that comes then is answered 503 at once. Default: the size of the pool. 0: none waits. */
  readonly maxWaiting?: number
  /** What a 503 says in `Retry-After`, in whole seconds. Default 1. */
  readonly retryAfterSeconds?: number
}

/** A handler of `http.createServer`. The task's signal aborts when the client has gone before the answer was complete. */
export type LimitedHandler = (request: IncomingMessage, response: ServerResponse, task: Task<unknown>) => unknown

/**
 * Puts the requests of a server through one pool: `createServer(limit(pool)(handler))`.
 *
 * A request holds its place until the handler has ended and the response is closed.
 * Past the pool's size it waits in the pool's line, its body unread, which is
 * back-pressure on the client; past `maxWaiting` it gets a 503 with `Retry-After`
 * (RFC 9110, sections 15.6.4 and 10.2.3). One whose client goes away leaves the line.
 * `pool.waitAll()` ends a drain. Other spawns of the pool count as well.
 *
 * A handler that fails is a failed task, told to the pool's `onError`; its client gets
 * a 500, or a cut connection where the answer has begun.
 */
export function limit(pool: TaskPool, { maxWaiting, retryAfterSeconds = 1 }: LimitOptions = {}): (handler: LimitedHandler) => (request: IncomingMessage, response: ServerResponse) => void {
  return (handler) => (request, response) => {
    if (pool.free <= 0 && pool.waiting >= (maxWaiting ?? pool.size)) return refuse(response, retryAfterSeconds)
    void serve(pool, handler, { request, response, retryAfterSeconds })
  }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly retryAfterSeconds: number
}

function refuse(response: ServerResponse, retryAfterSeconds: number): void {
  response.writeHead(503, { 'Retry-After': String(retryAfterSeconds), 'Content-Type': 'text/plain' }).end('Too many requests are waiting\n')
}

async function serve(pool: TaskPool, handler: LimitedHandler, { request, response, retryAfterSeconds }: Exchange): Promise<void> {
  const gone = new AbortController()
  const leave = (): void => gone.abort()
  response.once('close', leave)
  try {
    const name = `${request.method ?? ''} ${request.url ?? ''}`
    await pool.spawnWith({ name, signal: gone.signal }, (task) => answer(handler, { request, response, task }))
  } catch {
    // The client has gone, or the pool was aborted before the request's turn.
    if (!gone.signal.aborted) refuse(response, retryAfterSeconds)
  } finally {
    response.off('close', leave)
  }
}

async function answer(handler: LimitedHandler, { request, response, task }: { request: IncomingMessage, response: ServerResponse, task: Task<unknown> }): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    response.once('close', () => {
      if (!response.writableFinished) task.abort()
      resolve()
    })
  })
  try {
    await handler(request, response, task)
  } catch (error) {
    if (response.headersSent) response.destroy()
    else response.writeHead(500).end()
    throw error
  } finally {
    await closed
  }
}
