import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { callControl } from '#src/admin/control-client.js'
import { serveControl, type ControlHandler, type ControlServer, type ControlServerOptions } from '#src/admin/control-server.js'
import { MAX_REQUEST_BYTES } from '#src/admin/protocol.js'
import { bindSocket } from '#src/ipc/listening-handle.js'
import { CodedError } from '#src/base/errors.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

const echo: ControlHandler = ({ method, params }) => Promise.resolve({ method, params })

async function serve(context: TestContext, handle: ControlHandler = echo, options?: ControlServerOptions): Promise<ControlServer> {
  const server = await serveControl(join(temporaryFolder(context), 'control.sock'), handle, options)
  context.after(() => server.close())
  return server
}

/** A client that has sent `sent`, and does no more by itself. What it meets is for the test to look at. */
function client({ path }: ControlServer, sent: string): net.Socket {
  const socket = net.connect({ path, allowHalfOpen: true }).on('error', () => {}).unref()
  socket.write(sent)
  return socket
}

/** All that the server answers to `sent` until it, or the client after its end, closes. */
async function answersTo(server: ControlServer, sent: string): Promise<unknown[]> {
  const socket = client(server, sent)
  socket.end()
  return (await text(socket)).split('\n').filter(Boolean).map((line) => JSON.parse(line) as unknown)
}

/** The server's end of the connection, whether it says so or a write fails. */
function endOf(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => {
    for (const event of ['end', 'close']) socket.once(event, () => resolve())
  })
}

async function assertServes(server: ControlServer): Promise<void> {
  assert.deepEqual(await callControl(server.path, 'status', { a: 1 }), { method: 'status', params: { a: 1 } })
}

test('serveControl() answers a request with its id, and a result of nothing with null', async (context) => {
  const server = await serve(context, ({ method }) => Promise.resolve(method === 'nothing' ? undefined : 7))
  assert.deepEqual(await answersTo(server, '{"id":"x","method":"a"}\n\n{"id":2,"method":"nothing"}\n'), [{ id: 'x', result: 7 }, { id: 2, result: null }])
})

test('serveControl() answers what a client asked before it closed its own side, however long that takes', async (context) => {
  const server = await serve(context, async () => {
    await new Promise((resolve) => setTimeout(resolve, 30))
    return 'late'
  })
  assert.deepEqual(await answersTo(server, '{"id":1,"method":"a"}\n'), [{ id: 1, result: 'late' }])
})

test('serveControl() answers requests as they are ready, not in their order', async (context) => {
  let release = (): void => {}
  const server = await serve(context, ({ method }) => method === 'fast' ? Promise.resolve(release()) : new Promise<void>((resolve) => { release = resolve }))
  const answers = await answersTo(server, '{"id":1,"method":"slow"}\n{"id":2,"method":"fast"}\n') as { id: number }[]
  assert.deepEqual(answers.map(({ id }) => id).sort(), [1, 2])
})

test('serveControl() makes an error of what the handler throws: code, message, details', async (context) => {
  const handlers: Record<string, ControlHandler> = {
    coded: () => Promise.reject(new CodedError('SCALE_INVALID', 'Cannot scale', { details: { workers: 0 } })),
    plain: () => Promise.reject(new Error('oops')),
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
    text: () => Promise.reject('oops'),
  }
  const server = await serve(context, async (request) => await handlers[request.method]?.(request))
  assert.deepEqual(await answersTo(server, '{"id":1,"method":"coded"}\n{"id":2,"method":"plain"}\n{"id":3,"method":"text"}\n'), [
    { id: 1, error: { code: 'SCALE_INVALID', message: 'Cannot scale', details: { workers: 0 } } },
    { id: 2, error: { code: 'CONTROL_FAILED', message: 'oops' } },
    { id: 3, error: { code: 'CONTROL_FAILED', message: 'oops' } },
  ])
})

test('serveControl() makes an error of a handler that throws at once', async (context) => {
  const server = await serve(context, () => { throw new Error('at once') })
  assert.deepEqual(await answersTo(server, '{"id":1,"method":"a"}\n'), [{ id: 1, error: { code: 'CONTROL_FAILED', message: 'at once' } }])
})

test('serveControl() takes a request that comes in pieces, within a character too', async (context) => {
  const server = await serve(context)
  const bytes = Buffer.from('{"id":1,"method":"grüßen"}\n')
  const socket = client(server, '')
  for (const byte of bytes) {
    socket.write(Buffer.of(byte))
    await new Promise((resolve) => setImmediate(resolve))
  }
  socket.end()
  assert.deepEqual(JSON.parse(await text(socket)), { id: 1, result: { method: 'grüßen', params: {} } })
})

test('serveControl() makes a socket that only its owner may open', async (context) => {
  const { path } = await serve(context)
  const facts = lstatSync(path)
  assert.ok(facts.isSocket())
  assert.equal(facts.mode & 0o777, 0o600)
})

test('serveControl() leaves the umask of the process as it was', async (context) => {
  const before = process.umask()
  await serve(context)
  assert.equal(process.umask(), before)
})

test('ControlServer answers garbage with an error, and goes on', async (context) => {
  const server = await serve(context)
  const [garbage, request] = await answersTo(server, 'GET / HTTP/1.1\n{"id":1,"method":"a"}\n')
  assert.deepEqual(garbage, { id: null, error: { code: 'CONTROL_INVALID_REQUEST', message: 'Cannot answer the request as a request is one JSON object a line' } })
  assert.deepEqual(request, { id: 1, result: { method: 'a', params: {} } })
  await assertServes(server)
})

test('ControlServer takes bytes that are no text', async (context) => {
  const server = await serve(context)
  const socket = client(server, '')
  socket.end(Buffer.from([0xff, 0xfe, 0x00, 0x0a]))
  assert.match(await text(socket), /CONTROL_INVALID_REQUEST/)
  await assertServes(server)
})

for (const [what, sent] of [['with its end', `${'a'.repeat(MAX_REQUEST_BYTES + 1)}\n`], ['without an end', 'a'.repeat(50 * MAX_REQUEST_BYTES)]] as const) {
  test(`ControlServer ends the connection of an oversized request ${what}, and says why`, async (context) => {
    const server = await serve(context)
    const socket = client(server, sent)
    const closed = endOf(socket)
    assert.match(await text(socket).catch(() => ''), /^$|"Cannot answer the request as a request has at most 65536 bytes"/)
    socket.destroy()
    await closed
    await assertServes(server)
  })
}

test('ControlServer takes a request of exactly the largest size', async (context) => {
  const server = await serve(context, () => Promise.resolve('taken'))
  const frame = '{"id":1,"method":""}'
  const request = `{"id":1,"method":"${'a'.repeat(MAX_REQUEST_BYTES - frame.length)}"}`
  assert.deepEqual(await answersTo(server, `${request}\n`), [{ id: 1, result: 'taken' }])
})

test('ControlServer cuts a client that asks nothing, and one whose request only drips in', async (context) => {
  const server = await serve(context, echo, { idleTimeoutMs: 60 })
  const [silent, dripping] = [client(server, ''), client(server, '{')]
  const drip = setInterval(() => dripping.write(' '), 10)
  context.after(() => clearInterval(drip))
  await Promise.all([endOf(silent.resume()), endOf(dripping.resume())])
  clearInterval(drip)
  for (const socket of [silent, dripping]) socket.destroy()
  await assertServes(server)
})

test('ControlServer does not cut a client that waits for its answer', async (context) => {
  const server = await serve(context, async () => {
    await new Promise((resolve) => setTimeout(resolve, 100))
    return 'worth waiting for'
  }, { idleTimeoutMs: 20 })
  assert.equal(await callControl(server.path, 'a'), 'worth waiting for')
})

test('ControlServer does not go on reading from a client that does not read, and cuts it', async (context) => {
  let asked = 0
  const server = await serve(context, () => {
    asked++
    return Promise.resolve('x'.repeat(10_000))
  }, { idleTimeoutMs: 200 })
  const requests = 20_000
  const socket = client(server, '{"method":"a"}\n'.repeat(requests))
  await endOf(socket)
  assert.ok(asked < requests, `${asked} answers were made for nobody`)
  assert.equal(await callControl(server.path, 'a'), 'x'.repeat(10_000))
})

test('ControlServer survives clients that go away at any moment', async (context) => {
  const server = await serve(context, async ({ method, params }) => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    return { method, params }
  })
  for (const sent of ['', '{"method":', '{"method":"a"}\n', `${'a'.repeat(MAX_REQUEST_BYTES * 2)}\n`]) {
    const socket = client(server, sent)
    await once(socket, 'connect')
    socket.destroy()
  }
  await new Promise((resolve) => setTimeout(resolve, 20))
  await assertServes(server)
})

test('ControlServer.close() removes the file, cuts idle clients, and delivers what was answered', async (context) => {
  const server = await serve(context)
  const idle = client(server, '')
  await once(idle, 'connect')
  const asking = client(server, '{"id":1,"method":"a"}\n')
  await once(asking, 'readable')
  const received = text(asking)
  idle.resume()
  const [idleEnded, closed] = [once(idle, 'end'), server.close()]
  assert.match(await received, /"id":1/)
  await idleEnded
  idle.destroy()
  asking.destroy()
  await closed
  assert.ok(!existsSync(server.path))
})

test('serveControl() refuses a path on which somebody answers, and leaves him alone', async (context) => {
  const server = await serve(context)
  await assert.rejects(serveControl(server.path, echo), {
    code: 'CONTROL_IN_USE', message: `Cannot serve the control socket "${server.path}" as another launcher answers on it: give this one another --name or --control`,
  })
  await assertServes(server)
})

test('serveControl() replaces a socket that nobody answers on: a killed launcher left it', async (context) => {
  const path = join(temporaryFolder(context), 'control.sock')
  // Bound, and never listening: to connect to it is refused, as after the end of its process.
  const dead = bindSocket({ kind: 'unix', path })
  context.after(() => dead.close())
  const server = await serveControl(path, echo)
  await assertServes(server)
  await server.close()
})

test('serveControl() does not remove a file that is no socket', async (context) => {
  const path = join(temporaryFolder(context, { 'control.sock': 'precious' }), 'control.sock')
  await assert.rejects(serveControl(path, echo), { code: 'CONTROL_FAILED' })
  assert.ok(existsSync(path))
})

test('serveControl() throws CONTROL_FAILED where the system refuses', async (context) => {
  const folder = temporaryFolder(context)
  writeFileSync(join(folder, 'file'), '')
  mkdirSync(join(folder, 'directory'))
  for (const path of [join(folder, 'missing/control.sock'), join(folder, 'file/control.sock'), join(folder, 'directory'), join(folder, 'a'.repeat(200))]) {
    await assert.rejects(serveControl(path, echo), { code: 'CONTROL_FAILED' }, path)
  }
})
