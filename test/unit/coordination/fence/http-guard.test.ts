import assert from 'node:assert/strict'
import { once } from 'node:events'
import http, { type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { createFenceGuard, FENCING_TOKEN_HEADER, fenceHeaders } from '#src/coordination/fence/http-guard.js'

type Middleware = ReturnType<typeof createFenceGuard>['middleware']

/** What is used here of express, which comes without types. */
interface Express extends RequestListener {
  use(path: string, middleware: Middleware): void
  use(middleware: Middleware): void
}

const express = createRequire(import.meta.url)('express') as () => Express

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = http.createServer(listener).listen(0, '127.0.0.1')
  t.after(() => { server.close(); server.closeAllConnections() })
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function put(url: string, headers: Readonly<Record<string, string>>, method = 'PUT'): Promise<readonly [number, unknown]> {
  const response = await fetch(url, { method, headers, ...(method === 'GET' ? {} : { body: 'x' }) })
  const text = await response.text()
  return [response.status, response.headers.get('content-type') === 'application/json' ? JSON.parse(text) : text]
}

test('fenceHeaders() is the fence as decimal text', () => {
  assert.equal(FENCING_TOKEN_HEADER, 'Fencing-Token')
  assert.deepEqual(fenceHeaders({ fence: 1_763_709_265_000_000n }), { 'Fencing-Token': '1763709265000000' })
})

test('check() allows newer and equal fences, and refuses older ones, each resource by itself', async () => {
  const guard = createFenceGuard()
  assert.deepEqual(await guard.check('a', '9'), { allowed: true, fence: 9n })
  assert.deepEqual(await guard.check('a', '10'), { allowed: true, fence: 10n })
  assert.deepEqual(await guard.check('a', ' 10 '), { allowed: true, fence: 10n })
  assert.deepEqual(await guard.check('a', '9'), { allowed: false, status: 412, code: 'FENCE_STALE', message: 'Cannot write "a" as it has seen a newer fence (10): 9' })
  assert.deepEqual(await guard.check('b', '9'), { allowed: true, fence: 9n })
})

test('check() of a write without the header is 428, unless it is not required', async () => {
  assert.deepEqual(await createFenceGuard().check('a', undefined), { allowed: false, status: 428, code: 'FENCE_REQUIRED', message: 'Cannot write "a" as a write has the header Fencing-Token' })
  assert.deepEqual(await createFenceGuard({ required: false }).check('a', undefined), { allowed: true, fence: undefined })
})

for (const header of ['', 'x', '1, 2', '-1', '1.5', '9007199254740992', ['1', '2']]) {
  test(`check() of the header ${JSON.stringify(header)} is 400 and raises nothing`, async () => {
    const raised: bigint[] = []
    const guard = createFenceGuard({ required: false, store: { raise: (_, fence) => { raised.push(fence); return fence } } })
    const verdict = await guard.check('a', header)
    assert.deepEqual([verdict.allowed, 'status' in verdict && verdict.status, raised], [false, 400, []])
  })
}

test('middleware in front of node:http guards each path but not its reading', async (t) => {
  const { middleware } = createFenceGuard()
  const url = await serve(t, (request, response) => { middleware(request, response, () => { response.end('written') }) })
  assert.deepEqual(await put(`${url}/v7`, { 'Fencing-Token': '20' }), [200, 'written'])
  assert.deepEqual(await put(`${url}/v7?part=2`, { 'Fencing-Token': '19' }), [412, { code: 'FENCE_STALE', message: 'Cannot write "/v7" as it has seen a newer fence (20): 19' }])
  assert.deepEqual(await put(`${url}/v8`, { 'Fencing-Token': '19' }), [200, 'written'])
  assert.equal((await put(`${url}/v7`, {}))[0], 428)
  assert.equal((await put(`${url}/v7`, { 'Fencing-Token': 'one' }))[0], 400)
  assert.deepEqual(await put(`${url}/v7`, {}, 'GET'), [200, 'written'])
})

test('middleware in express guards the whole path, or what resourceOf says', async (t) => {
  const app = express()
  app.use('/api', createFenceGuard().middleware)
  app.use('/named', createFenceGuard({ resourceOf: (request) => request.method === 'PUT' ? 'one' : undefined }).middleware)
  app.use((_, response) => { response.end('written') })
  const url = await serve(t, app)
  assert.equal((await put(`${url}/api/v7`, { 'Fencing-Token': '2' }))[0], 200)
  assert.match(JSON.stringify(await put(`${url}/api/v7`, { 'Fencing-Token': '1' })), /^\[412,.*\/api\/v7/)
  assert.equal((await put(`${url}/named/a`, { 'Fencing-Token': '2' }))[0], 200)
  assert.equal((await put(`${url}/named/b`, { 'Fencing-Token': '1' }))[0], 412)
  assert.equal((await put(`${url}/named/b`, {}, 'POST'))[0], 200)
})

test('middleware gives what the store throws to next', async (t) => {
  const { middleware } = createFenceGuard({ store: { raise: () => Promise.reject(new Error('gone')) } })
  const url = await serve(t, (request, response) => {
    middleware(request, response, (error) => { response.writeHead(error ? 503 : 200).end(String(error)) })
  })
  assert.deepEqual(await put(url, { 'Fencing-Token': '1' }), [503, 'Error: gone'])
})
