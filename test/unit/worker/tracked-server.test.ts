import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import tls from 'node:tls'
import { TrackedServer } from '#src/worker/tracked-server.js'

const GRACE_MS = 80
const FIXTURES = join(import.meta.dirname, '../../../fixtures')
const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** A server that listens on a free port and is tracked from its beginning. */
async function track<Server extends net.Server>(context: TestContext, server: Server): Promise<{ server: Server; tracked: TrackedServer; port: number }> {
  const tracked = new TrackedServer(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => {
    server.close()
    tracked.destroyUpgraded()
  })
  return { server, tracked, port: (server.address() as net.AddressInfo).port }
}

/** A client that tells bytes apart from the end of the connection. */
class Client {
  readonly socket: net.Socket
  received = ''
  ended = false

  constructor(socket: net.Socket) {
    this.socket = socket.setEncoding('utf8').on('error', () => {})
    socket.on('data', (data) => { this.received += String(data) })
    socket.on('close', () => { this.ended = true })
  }

  /** Waits for `part`, and gives all that came so far. */
  async hears(part: string | RegExp): Promise<string> {
    while (this.received.search(part) < 0) await once(this.socket, 'data')
    return this.received
  }

  async end(): Promise<void> {
    if (!this.ended) await new Promise((resolve) => this.socket.once('close', resolve))
  }
}

async function connect(port: number): Promise<Client> {
  const socket = net.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return new Client(socket)
}

/** A connection that has had an answer, and could have another. */
async function idleConnection(port: number): Promise<Client> {
  const client = await connect(port)
  client.socket.write(REQUEST)
  assert.match(await client.hears(/hello$/), /Connection: keep-alive/)
  client.received = ''
  return client
}

const hello = (): http.Server => http.createServer((_request, response) => response.end('hello'))

test('TrackedServer.drain() of a server without connections stops it listening', async (context) => {
  const { tracked, port } = await track(context, hello())
  await tracked.drain(null)
  await assert.rejects(once(net.connect(port, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' })
})

test('TrackedServer.drain() of a server that never listened is done', async () => {
  await new TrackedServer(hello()).drain(null)
})

test('TrackedServer.drain() waits for the answer in work, which says Connection: close', async (context) => {
  let answer = (): void => {}
  const { tracked, port } = await track(context, http.createServer((_request, response) => { answer = () => response.end('at last') }))
  const client = await connect(port)
  client.socket.write(REQUEST.replace('/', '/slow?a=1'))
  while (!tracked.unfinished().includes('request GET /slow?a=1')) await sleep(1)
  let drained = false
  const done = tracked.drain(GRACE_MS).then(() => { drained = true })
  assert.deepEqual(tracked.unfinished(), ['request GET /slow?a=1'])
  await sleep(2 * GRACE_MS)
  assert.equal(drained, false)
  answer()
  const received = await client.hears(/at last$/)
  assert.match(received, /Connection: close/)
  await done
  await client.end()
})

test('TrackedServer.drain() lets an answer end that has begun, and then its connection', async (context) => {
  let more: (last: boolean) => void = () => {}
  const { tracked, port } = await track(context, http.createServer((_request, response) => {
    response.write('first')
    more = (last) => last ? response.end('last') : response.write('more')
  }))
  const client = await connect(port)
  client.socket.write(REQUEST)
  await client.hears('first')
  const done = tracked.drain(GRACE_MS)
  await sleep(2 * GRACE_MS)
  more(false)
  more(true)
  await client.hears(/last\r\n0\r\n/)
  await done
  await client.end()
})

test('TrackedServer.drain() leaves an idle connection its grace, and answers the request that comes in it', async (context) => {
  const { tracked, port } = await track(context, hello())
  const client = await idleConnection(port)
  const done = tracked.drain(GRACE_MS)
  await sleep(GRACE_MS / 2)
  assert.equal(client.ended, false)
  client.socket.write(REQUEST)
  assert.match(await client.hears(/hello$/), /Connection: close/)
  await done
  await client.end()
})

test('TrackedServer.drain() ends an idle connection after its grace, and not before', async (context) => {
  const { tracked, port } = await track(context, hello())
  const [used, fresh] = [await idleConnection(port), await connect(port)]
  await sleep(5)
  const start = performance.now()
  await tracked.drain(GRACE_MS)
  const took = performance.now() - start
  assert.ok(took >= GRACE_MS - 2, `${took} ms`)
  await Promise.all([used.end(), fresh.end()])
})

test('TrackedServer.drain(null) takes the keepAliveTimeout of the server for the grace', async (context) => {
  const { server, tracked, port } = await track(context, hello())
  server.keepAliveTimeout = GRACE_MS
  const client = await connect(port)
  await sleep(5)
  const start = performance.now()
  await tracked.drain(null)
  assert.ok(performance.now() - start >= GRACE_MS - 2)
  await client.end()
})

test('TrackedServer.drain() does not cut a request of which a part has come', async (context) => {
  const { tracked, port } = await track(context, http.createServer((request, response) => {
    void text(request).then((body) => response.end(body))
  }))
  const client = await connect(port)
  client.socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc')
  await sleep(10)
  const done = tracked.drain(GRACE_MS)
  await sleep(2 * GRACE_MS)
  client.socket.write('def')
  assert.match(await client.hears(/abcdef$/), /Connection: close/)
  await done
})

test('TrackedServer.drain() has the answer to Expect: 100-continue say Connection: close, too', async (context) => {
  const server = http.createServer().on('checkContinue', (_request, response: http.ServerResponse) => response.end('no'))
  const { tracked, port } = await track(context, server)
  const client = await connect(port)
  await sleep(5)
  const done = tracked.drain(GRACE_MS)
  client.socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n')
  assert.match(await client.hears(/no$/), /Connection: close/)
  await done
})

test('TrackedServer.drain() has close() of the service call back without an error, and cut nothing', async (context) => {
  const { server, tracked, port } = await track(context, hello())
  const client = await idleConnection(port)
  const done = tracked.drain(GRACE_MS)
  const closed = new Promise<Error | undefined>((resolve) => { assert.equal(server.close(resolve), server) })
  server.closeIdleConnections()
  await sleep(GRACE_MS / 2)
  client.socket.write(REQUEST)
  await client.hears(/hello$/)
  assert.equal(await closed, undefined)
  await done
  assert.equal(await new Promise((resolve) => server.close(resolve)), undefined)
})

test('TrackedServer.drain() is done for a server that the service has closed before', async (context) => {
  const { server, tracked } = await track(context, hello())
  server.close()
  await once(server, 'close')
  await tracked.drain(GRACE_MS)
})

test('TrackedServer.drain() is done when the last connection of a server that the service has closed ends in this tick', async (context) => {
  const { server, tracked, port } = await track(context, net.createServer((socket) => socket.end('bye')))
  const closed = once(server, 'close')
  const client = await connect(port)
  server.close()
  await closed
  await tracked.drain(GRACE_MS)
  await client.end()
})

test('TrackedServer.drain() waits for the connections of a server that the service has closed', async (context) => {
  const { server, tracked, port } = await track(context, net.createServer())
  const client = await connect(port)
  await sleep(5)
  server.close()
  let drained = false
  const done = tracked.drain(1).then(() => { drained = true })
  await sleep(10)
  assert.equal(drained, false)
  client.socket.end()
  await done
})

test('TrackedServer.drain() again is the same drain', async (context) => {
  const { tracked } = await track(context, hello())
  assert.equal(tracked.drain(1), tracked.drain(2))
  await tracked.drain(3)
})

test('TrackedServer.drain() leaves upgraded connections to the service, and destroyUpgraded() cuts them', async (context) => {
  const server = hello().on('upgrade', (_request, socket: net.Socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
    socket.pipe(socket)
  })
  const { tracked, port } = await track(context, server)
  const client = await connect(port)
  client.socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
  await client.hears('101')
  let drained = false
  const done = tracked.drain(GRACE_MS).then(() => { drained = true })
  await sleep(3 * GRACE_MS)
  client.socket.write('still there?')
  await client.hears(/still there\?$/)
  assert.equal(drained, false)
  assert.deepEqual(tracked.unfinished(), ['1 open connection'])
  tracked.destroyUpgraded()
  await done
  await client.end()
})

test('TrackedServer.destroyUpgraded() leaves requests in work', async (context) => {
  let answer = (): void => {}
  const { tracked, port } = await track(context, http.createServer((_request, response) => { answer = () => response.end('at last') }))
  const [busy, idle] = [await connect(port), await connect(port)]
  busy.socket.write(REQUEST)
  while (!tracked.unfinished().includes('request GET /')) await sleep(1)
  tracked.destroyUpgraded()
  await idle.end()
  answer()
  await busy.hears('at last')
  busy.socket.destroy()
})

test('TrackedServer.drain() of a plain net server waits until its connections end by themselves', async (context) => {
  const { tracked, port } = await track(context, net.createServer((socket) => { socket.pipe(socket) }))
  const [first, second] = [await connect(port), await connect(port)]
  await sleep(5)
  assert.deepEqual(tracked.unfinished(), ['2 open connections'])
  let drained = false
  const done = tracked.drain(1).then(() => { drained = true })
  first.socket.end()
  await first.end()
  await sleep(20)
  second.socket.write('echo')
  await second.hears('echo')
  assert.equal(drained, false)
  second.socket.end()
  await done
})

test('TrackedServer.drain() of an HTTP/2 server sends GOAWAY and lets streams end', async (context) => {
  const server = http2.createServer((_request, response) => { setTimeout(() => response.end('at last'), GRACE_MS) })
  const { tracked, port } = await track(context, server)
  const session = http2.connect(`http://127.0.0.1:${port}`)
  const stream = session.request({ ':path': '/' })
  await once(session, 'remoteSettings')
  await sleep(10)
  const [goaway, closed] = [once(session, 'goaway'), once(session, 'close')]
  const done = tracked.drain(GRACE_MS)
  assert.equal((await goaway)[0], http2.constants.NGHTTP2_NO_ERROR)
  assert.equal(await text(stream), 'at last')
  await Promise.all([done, closed])
})

test('TrackedServer.drain() of an HTTPS server is as gentle', async (context) => {
  const [key, cert] = ['key', 'cert'].map((name) => readFileSync(join(FIXTURES, `tls/${name}.pem`)))
  const { tracked, port } = await track(context, https.createServer({ key, cert }, (_request, response) => response.end('hello')))
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const client = new Client(socket)
  client.socket.write(REQUEST)
  assert.match(await client.hears(/hello$/), /Connection: keep-alive/)
  client.received = ''
  const done = tracked.drain(GRACE_MS)
  await sleep(GRACE_MS / 2)
  client.socket.write(REQUEST)
  assert.match(await client.hears(/hello$/), /Connection: close/)
  await done
  await client.end()
})

test('TrackedServer.drain() of an HTTPS server does not wait for a client that never shakes hands', async (context) => {
  const [key, cert] = ['key', 'cert'].map((name) => readFileSync(join(FIXTURES, `tls/${name}.pem`)))
  const { tracked, port } = await track(context, https.createServer({ key, cert }))
  const client = await connect(port)
  await sleep(5)
  await Promise.race([tracked.drain(GRACE_MS), sleep(10 * GRACE_MS).then(() => {
    client.socket.destroy()
    assert.fail('it waits')
  })])
  await client.end()
})
