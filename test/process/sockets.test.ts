import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, lstatSync } from 'node:fs'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { get, whoIs } from '../support/http.js'
import { fixture, isListening, LISTEN, startLauncher, startReady } from '../support/launcher.js'
import { isAlive, until } from '../support/processes.js'

const WEB = fixture('web.mjs')
const ALL_SOCKETS = fixture('modules/all-sockets.mjs')

/** The launcher does everything with koffi and without it, with setpriv and without it. */
const MACHINES: readonly (readonly [what: string, env: Record<string, string>])[] = [
  ['with koffi', {}],
  ['without koffi', { REEVE_NO_NATIVE: '1' }],
  ['without setpriv', { REEVE_NO_SETPRIV: '1' }],
]

for (const [machine, env] of MACHINES) {
  test(`several named sockets, of TCP and Unix, are served by the workers (${machine})`, async (t) => {
    const launcher = await startReady(t, (folder) => ['--workers', '2', '--listen', 'api=tcp://127.0.0.1:0', '--listen', `admin=unix:${join(folder, 'admin.sock')}?mode=0660`, '--listen', 'tcp://[::1]:0', ALL_SOCKETS], { env })
    const socket = join(launcher.folder, 'admin.sock')
    assert.equal(lstatSync(socket).mode & 0o777, 0o660)
    for (const [name, url] of [['api', await launcher.url('api')], ['admin', `unix:${socket}`], ['http', await launcher.url('http')]] as const) {
      const answer = JSON.parse((await get(url)).body) as { name: string; names: string[]; pid: number; url: string }
      assert.deepEqual([answer.name, answer.names], [name, ['api', 'admin', 'http']])
      assert.equal(answer.url, (await launcher.waitFor('launcher.listening', (line) => line['socket'] === name))['url'])
      assert.notEqual(answer.pid, launcher.pid)
    }
    launcher.signal('SIGTERM')
    assert.deepEqual(await launcher.exit, { code: 0, signal: null })
    assert.equal(existsSync(socket), false, 'the socket file was left')
  })

  test(`a connection that comes while the only worker is dead waits, and the next worker answers it (${machine})`, async (t) => {
    const launcher = await startReady(t, ['--workers', '1', ...LISTEN, WEB], { env })
    const url = await launcher.url()
    for (let round = 0; round < 3; round++) {
      const [victim = 0] = await launcher.pids()
      process.kill(victim, 'SIGKILL')
      await until('its death', () => !isAlive(victim))
      const { pid } = await whoIs(url)
      assert.notEqual(pid, victim)
      await launcher.untilStatus('the successor', ({ workersReady }) => workersReady === 1)
    }
  })
}

test('a hung worker ends with its launcher without setpriv too, by koffi', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', ...LISTEN, WEB], { env: { REEVE_NO_SETPRIV: '1' } })
  get(`${await launcher.url()}/block`).catch(() => undefined)
  await launcher.waitFor('test.blocking')
  launcher.signal('SIGKILL')
  await launcher.exit
  await launcher.untilGone(2_000)
})

test('a second server of a worker on the same socket is refused with SOCKET_IN_USE', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', ...LISTEN, ALL_SOCKETS], { env: { TWICE: 'http' } })
  const refused = await launcher.waitFor('test.refused')
  assert.equal(refused['code'], 'SOCKET_IN_USE')
  assert.match(String(refused['text']), /^Cannot listen on "http" as a server of this worker has had it already: tcp:\/\/127\.0\.0\.1:\d+$/)
})

test('a socket file that a killed launcher left is replaced, that of a living one is refused', async (t) => {
  const first = await startReady(t, (folder) => ['--workers', '1', '--listen', `unix:${join(folder, 'web.sock')}`, WEB])
  const path = join(first.folder, 'web.sock')
  const second = startLauncher(t, ['--workers', '1', '--listen', `unix:${path}`, WEB])
  assert.deepEqual(await second.exit, { code: 1, signal: null })
  assert.match(second.stderr, /web\.sock" as somebody else listens there already: EADDRINUSE/)
  first.signal('SIGKILL')
  await first.exit
  await first.untilGone(2_000)
  assert.ok(existsSync(path))
  const third = await startReady(t, ['--workers', '1', '--listen', `unix:${path}`, WEB])
  assert.ok(third.processes().includes((await whoIs(`unix:${path}`)).pid))
})

test('a socket that is passed as LISTEN_FDS is served by its name, and not opened again', async (t) => {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle
  t.after(() => server.close())
  const launcher = await startReady(t, ['--workers', '2', ...LISTEN, ALL_SOCKETS], {
    // The variables are for the process that exec makes of the shell.
    wrapper: ['sh', '-c', 'LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=http exec "$0" "$@"'],
    fds: [fd],
  })
  assert.deepEqual((await launcher.status()).sockets, [{ name: 'http', url: `tcp://127.0.0.1:${port}` }])
  server.unref()
  // Both this process and the workers may take it: until a worker does.
  server.on('connection', (socket) => socket.destroy())
  const answer = await until('the answer of a worker', () => get(`http://127.0.0.1:${port}`).then(({ body }) => body, () => undefined))
  assert.equal((JSON.parse(answer) as { name: string }).name, 'http')
  launcher.signal('SIGTERM')
  assert.deepEqual(await launcher.exit, { code: 0, signal: null })
  assert.ok(await isListening(`tcp://127.0.0.1:${port}`), 'the socket was closed for its owner, too')
})

test('LISTEN_FDS that are meant for another process are not touched', async (t) => {
  const other = spawn('sleep', ['60'], { stdio: 'ignore' })
  t.after(() => other.kill('SIGKILL'))
  const launcher = await startReady(t, ['--workers', '1', ...LISTEN, ALL_SOCKETS], { env: { LISTEN_PID: String(other.pid), LISTEN_FDS: '1' } })
  assert.deepEqual((await launcher.status()).sockets.map(({ name }) => name), ['http'])
  assert.equal((await get(await launcher.url())).status, 200)
})
