import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { loadNative } from '#src/base/native.js'
import { bindSocket } from '#src/ipc/listening-handle.js'
import { InheritedSocket } from '#src/worker/inherited-socket.js'
import { Servers } from '#src/worker/servers.js'
import { get } from '../../support/http.js'

function install(context: TestContext): Servers {
  const servers = new Servers()
  servers.install()
  context.after(() => servers.uninstall())
  return servers
}

/** As if the launcher had bound it. Its descriptor is the server's from `listen` on. */
function inherited(): { socket: InheritedSocket; port: number } {
  const bound = bindSocket({ kind: 'tcp', host: '127.0.0.1', family: 4, port: 0 })
  loadNative()?.listen(bound.fd, 16)
  const port = bound.port ?? 0
  return { socket: new InheritedSocket({ name: 'http', url: `tcp://127.0.0.1:${port}`, fd: bound.fd }), port }
}

test('Servers.install() finds every server that listens, whoever makes it, and uninstall() ends that', async () => {
  const original = net.Server.prototype.listen
  const servers = new Servers()
  servers.install()
  assert.equal(servers.any, false)
  const found = [net.createServer().listen(0, '127.0.0.1'), http.createServer().listen(0, '127.0.0.1')]
  assert.equal(servers.any, true)
  await Promise.all(found.map((server) => once(server, 'listening')))
  await servers.drain(1)
  assert.deepEqual(found.map((server) => server.listening), [false, false])
  servers.uninstall()
  assert.equal(net.Server.prototype.listen, original)
})

test('Servers.install() leaves listen() as it is: arguments, callback and result', async (context) => {
  const servers = install(context)
  const server = net.createServer()
  await new Promise<void>((resolve) => { assert.equal(server.listen({ port: 0, host: '127.0.0.1' }, resolve), server) })
  assert.equal((server.address() as net.AddressInfo).address, '127.0.0.1')
  assert.throws(() => net.createServer().listen({}), { code: 'ERR_INVALID_ARG_VALUE' })
  await servers.drain(1)
})

test('Servers.listening() resolves at the first server that listens, or at once', async (context) => {
  const servers = install(context)
  const listening = servers.listening()
  const server = net.createServer().listen(0, '127.0.0.1')
  await listening
  assert.ok(server.listening)
  await servers.listening()
  await servers.drain(1)
})

test('Servers.listening() is not misled by a server that could not listen', async (context) => {
  const servers = install(context)
  const taken = net.createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const other = new Servers()
  other.install()
  const server = net.createServer().on('error', () => {}).listen((taken.address() as net.AddressInfo).port, '127.0.0.1')
  await once(server, 'error')
  let resolved = false
  void other.listening().then(() => { resolved = true })
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(resolved, false)
  other.uninstall()
  await servers.drain(1)
  await other.drain(1)
})

test('Servers: a server listens on a socket of the launcher, with a callback, and is drained like others', async (context) => {
  const servers = install(context)
  const { socket, port } = inherited()
  const server = http.createServer((_request, response) => response.end('hello'))
  await new Promise<void>((resolve) => { assert.equal(server.listen(socket, resolve), server) })
  assert.deepEqual(server.address(), { address: '127.0.0.1', family: 'IPv4', port })
  assert.equal((await get(`http://127.0.0.1:${port}`)).body, 'hello')
  await servers.drain(1)
})

test('Servers: a socket of the launcher is for one server, once', async (context) => {
  const servers = install(context)
  const { socket, port } = inherited()
  const server = net.createServer((client) => client.end('first')).listen(socket)
  const refused = { code: 'SOCKET_IN_USE', message: `Cannot listen on "http" as a server of this worker has had it already: tcp://127.0.0.1:${port}` }
  assert.throws(() => net.createServer().listen(socket), refused)
  assert.equal(await text(net.connect(port, '127.0.0.1')), 'first')
  server.close()
  await once(server, 'close')
  assert.throws(() => server.listen(socket), refused)
  await servers.drain(1)
})

test('Servers.unfinished() tells of every server', async (context) => {
  const servers = install(context)
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const connected = once(server, 'connection')
  const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1').on('error', () => {})
  await connected
  assert.deepEqual(servers.unfinished(), ['1 open connection'])
  servers.destroyUpgraded()
  await once(client.resume(), 'close')
  await servers.drain(1)
})
