import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { loadNative } from '#src/base/native.js'
import { adoptInherited, bindSocket, type BoundSocket } from '#src/ipc/listening-handle.js'
import { listener } from '../../support/ports.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

const FIXTURE = join(import.meta.dirname, '../../../fixtures/accept-inherited.mjs')

/** A process that accepts from `socket`, and what `server.address()` says there. */
async function acceptor(socket: BoundSocket, args: readonly string[] = []): Promise<{ child: ChildProcess; address: unknown }> {
  const child = spawn(process.execPath, [FIXTURE, ...args], { stdio: ['pipe', 'pipe', 'inherit', socket.fd] })
  assert.ok(child.stdout)
  const [line] = await once(createInterface({ input: child.stdout }), 'line') as [string]
  return { child, address: JSON.parse(line) as unknown }
}

async function end({ child }: { child: ChildProcess }): Promise<void> {
  child.stdin?.end()
  assert.deepEqual(await once(child, 'exit'), [0, null])
}

function listen(socket: BoundSocket): void {
  loadNative()?.listen(socket.fd, 16)
}

test('bindSocket() takes a free port for 0, and closes with its handle', async () => {
  const socket = bindSocket({ kind: 'tcp', host: '127.0.0.1', family: 4, port: 0 })
  const port = socket.port ?? 0
  assert.ok(port > 0)
  assert.ok(socket.fd > 2)
  listen(socket)
  const client = net.connect(port, '127.0.0.1').on('error', () => {})
  await once(client, 'connect')
  socket.close()
  await assert.rejects(once(net.connect(port, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' })
})

test('bindSocket() throws EADDRINUSE for a port on which somebody listens', async () => {
  const other = await listener()
  const { port } = other.address() as net.AddressInfo
  assert.throws(() => bindSocket({ kind: 'tcp', host: '127.0.0.1', family: 4, port }), { code: 'EADDRINUSE', syscall: 'bind', message: 'bind: EADDRINUSE' })
  other.close()
})

test('bindSocket() throws EADDRNOTAVAIL for an address that the machine does not have', () => {
  assert.throws(() => bindSocket({ kind: 'tcp', host: '192.0.2.1', family: 4, port: 0 }), { code: 'EADDRNOTAVAIL' })
})

test('bindSocket() makes the file of a Unix socket, and throws when there is one', (context) => {
  const path = join(temporaryFolder(context), 'socket')
  const socket = bindSocket({ kind: 'unix', path })
  assert.ok(existsSync(path))
  assert.equal(socket.port, undefined)
  assert.throws(() => bindSocket({ kind: 'unix', path }), { code: 'EADDRINUSE' })
  assert.throws(() => bindSocket({ kind: 'unix', path: join(path, 'below') }), { code: 'ENOTDIR' })
  socket.close()
})

test('listenOnInherited() serves what waited in the queue before the process was there, and goes on after another is gone', async () => {
  const socket = bindSocket({ kind: 'tcp', host: '127.0.0.1', family: 4, port: 0 })
  listen(socket)
  const port = socket.port ?? 0
  const early = net.connect(port, '127.0.0.1')
  await once(early, 'connect')
  const first = await acceptor(socket)
  assert.deepEqual(first.address, { address: '127.0.0.1', family: 'IPv4', port })
  assert.equal(await text(early), String(first.child.pid))
  await end(first)
  const between = net.connect(port, '127.0.0.1')
  const second = await acceptor(socket)
  assert.equal(await text(between), String(second.child.pid))
  await end(second)
  socket.close()
})

test('listenOnInherited() serves a Unix socket, and leaves its file when it ends', async (context) => {
  const path = join(temporaryFolder(context), 'socket')
  const socket = bindSocket({ kind: 'unix', path })
  listen(socket)
  const process = await acceptor(socket, [path])
  assert.equal(process.address, path)
  assert.equal(await text(net.connect(path)), String(process.child.pid))
  await end(process)
  assert.ok(existsSync(path))
  socket.close()
})

test('adoptInherited() knows where a socket listens that somebody else made', async () => {
  const socket = bindSocket({ kind: 'tcp', host: '127.0.0.1', family: 4, port: 0 })
  listen(socket)
  const program = `const { adoptInherited } = await import('#src/ipc/listening-handle.js'); const { fd, host, port } = adoptInherited(3); console.log(JSON.stringify({ fd, host, port }))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { cwd: join(FIXTURE, '../../..'), stdio: ['ignore', 'pipe', 'inherit', socket.fd] })
  assert.deepEqual(JSON.parse(await text(child.stdout as NodeJS.ReadableStream)), { fd: 3, host: '127.0.0.1', port: socket.port })
  socket.close()
})

test('adoptInherited() throws for a descriptor that is no socket', () => {
  assert.throws(() => adoptInherited(9_999), { code: 'EINVAL', syscall: 'open' })
})
