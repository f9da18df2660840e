import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { limit } from '#src/queue/http-limit.js'
import { TaskPool } from '#src/queue/task-pool.js'
import { until } from '../../support/processes.js'

async function serving(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    open: (path = '/') => request({ port, host: '127.0.0.1', path, agent: false }).end(),
    async get(path = '/') {
      const [response] = await once(this.open(path), 'response') as [IncomingMessage]
      response.resume()
      await once(response, 'end')
      return response
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Answers when it is told to. */
function slow() {
  const pending: (() => void)[] = []
  const handler: RequestListener = (_, response) => { pending.push(() => response.end('done')) }
  return { pending, handler, answer: () => { for (const each of pending.splice(0)) each() } }
}

test('limit() makes requests wait past the size of the pool, and refuses them past maxWaiting', async () => {
  const pool = new TaskPool({ size: 2 })
  const { pending, handler, answer } = slow()
  await using server = await serving(limit(pool, { maxWaiting: 1, retryAfterSeconds: 7 })(handler))
  const gets = [server.get(), server.get(), server.get()]
  await until('pool.waiting === 1', () => pool.waiting === 1)
  const refused = await server.get()
  assert.equal(refused.statusCode, 503)
  assert.equal(refused.headers['retry-after'], '7')
  assert.equal(pending.length, 2)
  answer()
  await until('pending.length === 1', () => pending.length === 1)
  answer()
  assert.deepEqual((await Promise.all(gets)).map(({ statusCode }) => statusCode), [200, 200, 200])
  await pool.waitAll()
  assert.equal(pool.statistics().highestRunning, 2)
})

test('limit() lets a request whose client has gone leave the line', async () => {
  const pool = new TaskPool({ size: 1 })
  const { pending, handler, answer } = slow()
  await using server = await serving(limit(pool)(handler))
  const first = server.get()
  await until('pending.length === 1', () => pending.length === 1)
  const gone = server.open()
  gone.on('error', () => {})
  await until('pool.waiting === 1', () => pool.waiting === 1)
  gone.destroy()
  await until('pool.waiting === 0', () => pool.waiting === 0)
  answer()
  await first
  await pool.waitAll()
  assert.equal(pool.statistics().spawned, 1)
})

test('limit() aborts the task of a request whose client has gone, and no other', async () => {
  const pool = new TaskPool({ size: 1 })
  const aborted: (string | undefined)[] = []
  await using server = await serving(limit(pool)((incoming, response, { signal }) => {
    signal.addEventListener('abort', () => aborted.push(incoming.url))
    if (incoming.url === '/well') response.end()
  }))
  await server.get('/well')
  const gone = server.open('/gone')
  gone.on('error', () => {})
  await until('pool.running === 1', () => pool.running === 1)
  gone.destroy()
  await pool.waitAll()
  await until('aborted.length > 0', () => aborted.length > 0)
  assert.deepEqual(aborted, ['/gone'])
})

test('limit() answers 500 for a handler that fails, tells the pool, and goes on', async () => {
  const told: unknown[] = []
  const pool = new TaskPool({ size: 1, onError: (error, { name }) => told.push([(error as Error).message, name]) })
  await using server = await serving(limit(pool)(async (incoming, response) => {
    if (incoming.url === '/begun') response.write('begun')
    throw new Error('broken')
  }))
  assert.equal((await server.get('/first')).statusCode, 500)
  await assert.rejects(server.get('/begun'), { code: 'ECONNRESET' })
  await pool.waitAll()
  await until('told.length === 2', () => told.length === 2)
  assert.deepEqual(told, [['broken', 'GET /first'], ['broken', 'GET /begun']])
})

test('limit() refuses what waits when the pool is aborted', async () => {
  const pool = new TaskPool({ size: 1 })
  const { pending, handler, answer } = slow()
  await using server = await serving(limit(pool)(handler))
  const first = server.get()
  await until('pending.length === 1', () => pending.length === 1)
  const second = server.get()
  await until('pool.waiting === 1', () => pool.waiting === 1)
  pool.abort(new Error('stopping'))
  assert.equal((await second).statusCode, 503)
  answer()
  await first
})
