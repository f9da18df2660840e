import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, Server } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { running } from 'reeve/exec'
import { TaskPool } from 'reeve/queue'
import { ThreadPool } from 'reeve/tpool'
import type * as blockingVolume from '#src/examples/volume/blocking-volume.js'
import { VolumeCopies, type BlockingVolume } from '#src/examples/volume/volume-copies.js'
import { createVolumeServer } from '#src/examples/volume/volume-server.js'
import type { VolumeServerOptions } from '#src/examples/volume/server-options.js'
import { VolumeStore } from '#src/examples/volume/volume-store.js'
import { notRun } from '../../../support/not-run.js'

let store: VolumeStore
let server: Server
let tracked: string[]
let killSoon: AbortController
let blocking: BlockingVolume
const threads = new ThreadPool({ threads: 2 })

before(async () => { blocking = await threads.proxy<typeof blockingVolume>(new URL('../../../../../dist/examples/volume/blocking-volume.js', import.meta.url)) })
after(async () => { await threads.close() })
beforeEach(async () => {
  tracked = []
  killSoon = new AbortController()
  await serve(await mkdtemp(join(tmpdir(), 'volume-server-')))
})
afterEach(async () => {
  await stop()
  await rm(store.directory, { recursive: true })
})

test('PUT stores, GET and HEAD give back, DELETE removes, each with size and sha256', async () => {
  const summary = { name: 'a b', size: 5, sha256: sha256('hello') }
  const put = await ask('PUT', '/volumes/a%20b', { body: 'hello' })
  assert.deepEqual([put.status, put.json], [201, summary])
  assert.equal((await ask('PUT', '/volumes/a%20b', { body: 'hello' })).status, 200)
  assert.deepEqual(tracked, ['upload a b', 'upload a b'])
  for (const method of ['GET', 'HEAD']) {
    const got = await ask(method, '/volumes/a%20b')
    assert.equal(got.status, 200)
    assert.equal(got.text, method === 'GET' ? 'hello' : '')
    assert.equal(got.headers['content-length'], '5')
    assert.equal(got.headers['x-volume-size'], '5')
    assert.equal(got.headers['x-volume-sha256'], summary.sha256)
    assert.equal(got.headers.etag, `"${summary.sha256}"`)
    assert.equal(got.headers['repr-digest'], digestField('hello'))
  }
  const removed = await ask('DELETE', '/volumes/a%20b')
  assert.deepEqual([removed.status, removed.json], [200, summary])
  assertError(await ask('GET', '/volumes/a%20b'), 404, 'VOLUME_NOT_FOUND')
  assertError(await ask('DELETE', '/volumes/a%20b'), 404, 'VOLUME_NOT_FOUND')
})

test('PUT takes an empty body and large ones, chunked or not', async () => {
  const large = Buffer.alloc(5_000_000, 'abc')
  for (const headers of [{}, { 'Transfer-Encoding': 'chunked' }]) {
    assert.equal((await ask('PUT', '/volumes/empty', { body: '', headers })).status < 300, true)
    assert.equal((await ask('PUT', '/volumes/large', { body: large, headers })).status < 300, true)
    assert.equal((await ask('GET', '/volumes/empty')).text, '')
    assert.equal(sha256((await ask('GET', '/volumes/large')).body), sha256(large))
  }
})

test('GET /volumes lists by pages, sorted', async () => {
  for (const name of ['b', 'c', 'a']) await ask('PUT', `/volumes/${name}`, { body: name })
  const lines = ['a', 'b', 'c'].map((name) => ({ name, size: 1, sha256: sha256(name) }))
  assert.deepEqual((await ask('GET', '/volumes')).json, { volumes: lines, next: null })
  assert.deepEqual((await ask('GET', '/volumes?limit=2')).json, { volumes: lines.slice(0, 2), next: 'b' })
  assert.deepEqual((await ask('GET', '/volumes?limit=2&after=b')).json, { volumes: lines.slice(2), next: null })
  for (const limit of ['0', 'x', '1001', '']) assertError(await ask('GET', `/volumes?limit=${limit}`), 400, 'VOLUME_REQUEST_INVALID')
})

test('bad names, unknown paths and wrong methods get a clear answer', async () => {
  for (const name of ['', '..', '.', '%2e%2e%2fetc', 'a/b', 'a%00', '.hidden', 'e%CC%81', 'a'.repeat(256)]) {
    assertError(await ask('PUT', `/volumes/${name}`, { body: 'x' }), 400, 'VOLUME_NAME_INVALID')
    assertError(await ask('GET', `/volumes/${name}`), 400, 'VOLUME_NAME_INVALID')
  }
  for (const path of ['/', '/volume', '//volumes/a', '/healthy']) assertError(await ask('GET', path), 404, 'VOLUME_ROUTE_UNKNOWN')
  const post = await ask('POST', '/volumes/a', { body: 'x' })
  assertError(post, 405, 'VOLUME_METHOD_NOT_ALLOWED')
  assert.equal(post.headers.allow, 'GET, HEAD, PUT, DELETE')
  assert.equal((await ask('DELETE', '/volumes')).headers.allow, 'GET, HEAD')
  assert.equal((await ask('GET', '/health')).status, 200)
  assert.deepEqual(await readdir(store.directory), [])
})

test('PUT refuses what is too large, with and without its length, and keeps what was there', async () => {
  await ask('PUT', '/volumes/a', { body: 'old' })
  await serve(store.directory, { maxVolumeBytes: 1_000_000 })
  const body = Buffer.alloc(3_000_000)
  assertError(await ask('PUT', '/volumes/a', { body }), 413, 'VOLUME_TOO_LARGE')
  assertError(await ask('PUT', '/volumes/a', { body, headers: { 'Transfer-Encoding': 'chunked' } }), 413, 'VOLUME_TOO_LARGE')
  assert.equal((await ask('GET', '/volumes/a')).text, 'old')
  assert.deepEqual(await readdir(store.directory), ['a'])
})

test('PUT checks Content-Digest and Repr-Digest', async () => {
  for (const field of ['Content-Digest', 'Repr-Digest']) {
    assert.equal((await ask('PUT', `/volumes/${field}`, { body: 'x', headers: { [field]: digestField('x') } })).status, 201)
    assertError(await ask('PUT', '/volumes/a', { body: 'x', headers: { [field]: digestField('y') } }), 400, 'VOLUME_DIGEST_MISMATCH')
    assertError(await ask('PUT', '/volumes/a', { body: 'x', headers: { [field]: 'sha-256=:AA:' } }), 400, 'VOLUME_REQUEST_INVALID')
  }
  assertError(await ask('PUT', '/volumes/a', { body: 'x', headers: { 'Content-Range': 'bytes 0-0/9' } }), 400, 'VOLUME_REQUEST_INVALID')
  assertError(await ask('GET', '/volumes/a'), 404, 'VOLUME_NOT_FOUND')
})

test('conditions: If-None-Match and If-Match on reads, If-None-Match "*" on writes, no other', async () => {
  const { headers: { etag = '' } } = await ask('PUT', '/volumes/a', { body: 'x' })
  for (const tags of [etag, `"y", W/${etag}`, '*']) assert.equal((await ask('GET', '/volumes/a', { headers: { 'If-None-Match': tags } })).status, 304)
  assert.equal((await ask('GET', '/volumes/a', { headers: { 'If-None-Match': '"y"' } })).status, 200)
  assertError(await ask('GET', '/volumes/a', { headers: { 'If-Match': '"y"' } }), 412, 'VOLUME_PRECONDITION_FAILED')
  assertError(await ask('PUT', '/volumes/a', { body: 'z', headers: { 'If-None-Match': '*' } }), 412, 'VOLUME_PRECONDITION_FAILED')
  assert.equal((await ask('PUT', '/volumes/b', { body: 'z', headers: { 'If-None-Match': '*' } })).status, 201)
  assertError(await ask('PUT', '/volumes/a', { body: 'z', headers: { 'If-Match': etag } }), 501, 'VOLUME_PRECONDITION_UNSUPPORTED')
  assertError(await ask('DELETE', '/volumes/a', { headers: { 'If-Match': etag } }), 501, 'VOLUME_PRECONDITION_UNSUPPORTED')
  assert.equal((await ask('GET', '/volumes/a')).text, 'x')
})

test('GET serves one range', async () => {
  const { headers: { etag } } = await ask('PUT', '/volumes/a', { body: '0123456789' })
  const part = await ask('GET', '/volumes/a', { headers: { 'Range': 'bytes=2-4' } })
  assert.deepEqual([part.status, part.text, part.headers['content-range']], [206, '234', 'bytes 2-4/10'])
  assert.equal((await ask('GET', '/volumes/a', { headers: { 'Range': 'bytes=2-4', 'If-Range': etag } })).status, 206)
  assert.equal((await ask('GET', '/volumes/a', { headers: { 'Range': 'bytes=2-4', 'If-Range': '"y"' } })).status, 200)
  const beyond = await ask('GET', '/volumes/a', { headers: { 'Range': 'bytes=10-' } })
  assertError(beyond, 416, 'VOLUME_RANGE_INVALID')
  assert.equal(beyond.headers['content-range'], 'bytes */10')
})

test('a rotten volume is listed as such and not served', async () => {
  await ask('PUT', '/volumes/a', { body: 'hello' })
  const file = await open(join(store.directory, 'a'), 'r+')
  await file.write('j', 0)
  await file.close()
  const volume = await store.open('a')
  await volume?.mark(true)
  await volume?.close()
  assertError(await ask('GET', '/volumes/a'), 500, 'VOLUME_ROTTEN')
  assert.deepEqual((await ask('GET', '/volumes')).json, { volumes: [{ name: 'a', size: 5, sha256: sha256('hello'), rotten: true }], next: null })
  await ask('PUT', '/volumes/a', { body: 'again' })
  assert.equal((await ask('GET', '/volumes/a')).text, 'again')
})

test('an upload that is cut, or ends before its length, publishes nothing and leaves no draft', async () => {
  for (const end of [(socket: Socket) => socket.destroy(), (socket: Socket) => socket.end()]) {
    const socket = await half('/volumes/a')
    end(socket)
    await until(async () => (await readdir(store.directory)).length === 0)
  }
  assertError(await ask('GET', '/volumes/a'), 404, 'VOLUME_NOT_FOUND')
})

test('an upload that stalls is given up with 408', async () => {
  await serve(store.directory, { idleTimeoutMs: 100 })
  const socket = await half('/volumes/a')
  assert.match(String(await once(socket, 'data')), /^HTTP\/1\.1 408 [^]*VOLUME_UPLOAD_STALLED/)
  socket.destroy()
  assert.deepEqual(await readdir(store.directory), [])
})

test('an upload is given up with 503 when the worker is about to be killed', async () => {
  const socket = await half('/volumes/a')
  killSoon.abort()
  assert.match(String(await once(socket, 'data')), /^HTTP\/1\.1 503 [^]*VOLUME_BUSY/)
  socket.destroy()
  assert.deepEqual(await readdir(store.directory), [])
})

test('Expect: 100-continue is answered before the body, by 100 or by the refusal', async () => {
  const good = await send('PUT /volumes/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n')
  assert.match(String(await once(good, 'data')), /^HTTP\/1\.1 100 /)
  good.write('hi')
  assert.match(String(await once(good, 'data')), /^HTTP\/1\.1 201 /)
  good.destroy()
  const bad = await send('PUT /volumes/.. HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n')
  assert.match((await buffer(bad)).toString(), /^HTTP\/1\.1 400 [^]*Connection: close[^]*VOLUME_NAME_INVALID/)
})

test('a full disk is 507, keeps what was there and leaves no draft', async (t) => {
  const mount = join(store.directory, 'small')
  await mkdir(mount)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount], { stdio: 'pipe' })
  } catch (error) {
    return t.skip(notRun('a full disk', `a small tmpfs cannot be mounted here: ${String(error).split('\n')[0]}`))
  }
  const outer = store.directory
  try {
    await serve(mount)
    assert.equal((await ask('PUT', '/volumes/a', { body: 'old' })).status, 201)
    for (const headers of [{}, { 'Transfer-Encoding': 'chunked' }]) {
      assertError(await ask('PUT', '/volumes/a', { body: Buffer.alloc(4_000_000), headers }), 507, 'VOLUME_DISK_FULL')
    }
    assert.deepEqual(await readdir(mount), ['a'])
    assert.equal((await ask('GET', '/volumes/a')).text, 'old')
    assert.equal((await ask('PUT', '/volumes/b', { body: Buffer.alloc(500_000) })).status, 201)
  } finally {
    await stop()
    execFileSync('umount', [mount])
    await serve(outer)
  }
})

test('POST clone stores the same volume under a free name, and 409 says that it is taken', async () => {
  await ask('PUT', '/volumes/a', { body: 'hello' })
  const cloned = await ask('POST', '/volumes/a/clone', { body: '{"to":"b c"}' })
  assert.deepEqual([cloned.status, cloned.json, cloned.headers.location], [201, { name: 'b c', size: 5, sha256: sha256('hello') }, '/volumes/b%20c'])
  await ask('PUT', '/volumes/a', { body: 'other' })
  assert.equal((await ask('GET', '/volumes/b%20c')).text, 'hello')
  assertError(await ask('POST', '/volumes/a/clone', { body: '{"to":"b c"}' }), 409, 'VOLUME_EXISTS')
  assert.equal((await ask('GET', '/volumes/b%20c')).text, 'hello')
  assert.deepEqual(await readdir(store.directory), ['a', 'b c'])
})

test('POST clone refuses what does not say where to, bad names, and a volume that is not there', async () => {
  await ask('PUT', '/volumes/a', { body: 'hello' })
  for (const body of ['', '{', 'null', '{"to":1}', '"b"', ' '.repeat(5_000)]) {
    assertError(await ask('POST', '/volumes/a/clone', { body }), 400, 'VOLUME_REQUEST_INVALID')
  }
  for (const to of ['', '..', 'a/b']) assertError(await ask('POST', '/volumes/a/clone', { body: JSON.stringify({ to }) }), 400, 'VOLUME_NAME_INVALID')
  assertError(await ask('POST', '/volumes/x/clone', { body: '{"to":"b"}' }), 404, 'VOLUME_NOT_FOUND')
  assertError(await ask('GET', '/volumes/a/clone'), 405, 'VOLUME_METHOD_NOT_ALLOWED')
  assert.deepEqual(await readdir(store.directory), ['a'])
})

test('a volume, its clone and its flattened clone have one checksum, read anew', async () => {
  const body = Buffer.alloc(3_500_000, 'abc')
  await ask('PUT', '/volumes/a', { body })
  await ask('POST', '/volumes/a/clone', { body: '{"to":"b"}' })
  const flattened = await ask('POST', '/volumes/b/flatten')
  assert.deepEqual([flattened.status, flattened.json], [200, { name: 'b', size: body.length, sha256: sha256(body) }])
  for (const name of ['a', 'b']) {
    const { status, json } = await ask('GET', `/volumes/${name}/checksum`)
    assert.deepEqual([status, json], [200, { name, size: body.length, sha256: sha256(body), stored: sha256(body) }])
    assert.ok((await ask('GET', `/volumes/${name}`)).body.equals(body))
  }
  for (const [method, act] of [['POST', 'flatten'], ['GET', 'checksum']] as const) assertError(await ask(method, `/volumes/x/${act}`), 404, 'VOLUME_NOT_FOUND')
})

test('GET checksum tells rot as it is, and flatten refuses to write it', async () => {
  await ask('PUT', '/volumes/a', { body: 'hello' })
  const file = await open(join(store.directory, 'a'), 'r+')
  await file.write('j', 0)
  await file.close()
  const found = await ask('GET', '/volumes/a/checksum')
  assert.deepEqual(found.json, { name: 'a', size: 5, sha256: sha256('jello'), rotten: true, stored: sha256('hello') })
  assertError(await ask('POST', '/volumes/a/flatten'), 500, 'VOLUME_ROTTEN')
  const volume = await store.open('a')
  await volume?.mark(true)
  await volume?.close()
  assertError(await ask('POST', '/volumes/a/clone', { body: '{"to":"b"}' }), 500, 'VOLUME_ROTTEN')
  assert.deepEqual(await readdir(store.directory), ['a'])
})

test('GET via cat gives the stored bytes without the footer, and refuses ranges', async (t) => {
  if (process.platform !== 'linux') return t.skip(notRun('GET via cat', 'it takes /proc/PID/fd'))
  for (const size of [0, 5, 3_500_000]) {
    const body = Buffer.alloc(size, 'abc')
    await ask('PUT', '/volumes/a', { body })
    const got = await ask('GET', '/volumes/a?via=cat')
    assert.deepEqual([got.status, got.headers['content-length'], got.headers['accept-ranges']], [200, String(size), 'none'])
    assert.ok(got.body.equals(body))
    assert.equal((await ask('HEAD', '/volumes/a?via=cat')).headers['content-length'], String(size))
  }
  assertError(await ask('GET', '/volumes/a?via=cat', { headers: { Range: 'bytes=0-1' } }), 416, 'VOLUME_RANGE_INVALID')
  assertError(await ask('GET', '/volumes/a?via=dog'), 400, 'VOLUME_REQUEST_INVALID')
})

test('GET via cat ends its command when the client goes away', async (t) => {
  if (process.platform !== 'linux') return t.skip(notRun('GET via cat', 'it takes /proc/PID/fd'))
  await ask('PUT', '/volumes/a', { body: Buffer.alloc(30_000_000) })
  const socket = await send('GET /volumes/a?via=cat HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(socket, 'data')
  socket.pause()
  await until(async () => running().length === 1)
  socket.destroy()
  await until(async () => running().length === 0)
})

test('requests past the size of the pool wait for their place', async () => {
  const pool = new TaskPool({ size: 1 })
  await serve(store.directory, { context: { ...context(), pool } })
  const first = await half('/volumes/a')
  const second = ask('GET', '/volumes')
  await until(async () => pool.waiting === 1)
  first.write('rest..')
  assert.equal((await second).status, 200)
  first.destroy()
})

/** Makes `server` and `store` anew over `directory`. */
async function serve(directory: string, options: Partial<VolumeServerOptions> = {}): Promise<void> {
  if (server?.listening) await stop()
  store = await VolumeStore.open(directory)
  server = createVolumeServer({ store, copies: new VolumeCopies({ store, load: async () => blocking }), context: context(), maxVolumeBytes: 1e9, idleTimeoutMs: 10_000, ...options })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
}

function context(): VolumeServerOptions['context'] {
  const log = { info: () => undefined, error: () => undefined } as unknown as VolumeServerOptions['context']['log']
  const track: VolumeServerOptions['context']['track'] = async (name, work) => {
    tracked.push(name)
    return await work(killSoon.signal)
  }
  return { log, track, pool: new TaskPool() }
}

async function stop(): Promise<void> {
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
  readonly json: unknown
}

interface Question {
  readonly body?: string | Buffer
  readonly headers?: Readonly<Record<string, string | undefined>>
}

async function ask(method: string, path: string, { body, headers = {} }: Question = {}): Promise<Answer> {
  const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined))
  const request = httpRequest({ host: '127.0.0.1', port: port(), method, path, headers: given, agent: false })
  request.end(body)
  const [response] = await once(request, 'response') as [IncomingMessage]
  const bytes = await buffer(response)
  const text = bytes.toString()
  const json: unknown = response.headers['content-type'] === 'application/json' && text ? JSON.parse(text) : undefined
  return { status: response.statusCode ?? 0, headers: response.headers, body: bytes, text, json }
}

/** A connection over which half of an upload has come, and been written to a draft. */
async function half(path: string): Promise<Socket> {
  const socket = await send(`PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf`)
  await until(async () => (await readdir(store.directory)).length === 1)
  return socket
}

async function send(text: string): Promise<Socket> {
  const socket = connect(port(), '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(text)
  return socket
}

function port(): number {
  return (server.address() as AddressInfo).port
}

/** Bounded by 5 s. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 5_000; !(await condition());) {
    assert.ok(Date.now() < end, 'it did not come about within 5 s')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function assertError(answer: Answer, status: number, code: string): void {
  const { error } = answer.json as { error?: { code?: string; message?: string } }
  assert.deepEqual([answer.status, error?.code], [status, code])
  assert.match(error?.message ?? '', /^Cannot .+ as .+: /)
}

function digestField(text: string): string {
  return `sha-256=:${createHash('sha256').update(text).digest('base64')}:`
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}
