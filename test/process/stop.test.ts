import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { get, KeepAliveLoad, whoIs } from '../support/http.js'
import { fixture, LISTEN, startLauncher, startReady, type LogLine } from '../support/launcher.js'
import { freePort } from '../support/ports.js'
import { isAlive, until } from '../support/processes.js'

const WEB = fixture('web.mjs')

test('TERM while requests are in flight: all are answered, no new connection is taken, exit 0', async (t) => {
  const launcher = await startReady(t, ['--workers', '2', ...LISTEN, WEB])
  const url = await launcher.url()
  const slow = Array.from({ length: 20 }, () => get(`${url}/slow?ms=1000`))
  await untilTaken(url)
  launcher.signal('SIGTERM')
  for (const { status, headers } of await Promise.all(slow)) {
    assert.equal(status, 200)
    assert.equal(headers.connection, 'close')
  }
  assert.deepEqual(await launcher.exit, { code: 0, signal: null })
  await assert.rejects(get(url), { code: 'ECONNREFUSED' })
})

test('a second TERM changes nothing', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', ...LISTEN, WEB])
  const url = await launcher.url()
  const slow = get(`${url}/slow?ms=1000`)
  await untilTaken(url)
  launcher.signal('SIGTERM')
  await launcher.waitFor('launcher.stopping')
  launcher.signal('SIGTERM')
  assert.equal((await slow).status, 200)
  assert.deepEqual(await launcher.exit, { code: 0, signal: null })
  assert.equal(launcher.all('launcher.stopping').length, 1)
})

test('TERM to the whole process group, as systemd sends it, is one graceful stop', async (t) => {
  const launcher = await startReady(t, ['--workers', '2', ...LISTEN, WEB])
  const url = await launcher.url()
  const slow = Array.from({ length: 6 }, () => get(`${url}/slow?ms=700`))
  await untilTaken(url)
  launcher.signalGroup('SIGTERM')
  assert.deepEqual((await Promise.all(slow)).map(({ status }) => status), [200, 200, 200, 200, 200, 200])
  assert.deepEqual(await launcher.exit, { code: 0, signal: null })
  assert.equal(launcher.all('worker.starting').length, 2, 'a worker that the group signal ended was started again')
})

const STUBBORN: readonly (readonly [what: string, env: Record<string, string>, path: string, named: RegExp | undefined])[] = [
  ['whose stop() never resolves', { STOP: 'never' }, '/', /stop\(\) of the service/],
  ['with a tracked task that does not end', {}, '/track?name=flatten&ms=60000', /task flatten \(\d+\.\d s\)/],
  ['with a request that is not answered', {}, '/slow?ms=60000', /request GET \/slow\?ms=60000/],
  ['whose loop is busy', {}, '/block', undefined],
]

for (const [what, env, path, named] of STUBBORN) {
  test(`a worker ${what} is killed at the deadline, with exit 6${named ? ' and the reason by name in the log' : ''}`, async (t) => {
    const launcher = await startReady(t, ['--workers', '1', '--graceful-shutdown-timeout', '3s', ...LISTEN, WEB], { env })
    const url = await launcher.url()
    const asked = get(`${url}${path}`).catch(() => undefined)
    if (path === '/block') await launcher.waitFor('test.blocking')
    else await whoIs(url)
    launcher.signal('SIGTERM')
    const stopping = await launcher.waitFor('launcher.stopping')
    assert.deepEqual(await launcher.exit, { code: 6, signal: null })
    await asked
    const killed = await launcher.waitFor('worker.killed')
    assert.equal(killed['reason'], 'deadline')
    const afterMs = msBetween(stopping, killed)
    assert.ok(afterMs >= 2_950 && afterMs < 5_000, `killed after ${afterMs} ms`)
    assert.match((await launcher.waitFor('launcher.stopped')).message, /web\/0 had to be killed/)
    if (named) assert.match((await launcher.waitFor('worker.unfinished')).message, named)
  })
}

test('a stop() that fails ends its worker with code 1, and the log says why', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', ...LISTEN, WEB], { env: { STOP: 'throw' } })
  launcher.signal('SIGTERM')
  assert.deepEqual(await launcher.exit, { code: 0, signal: null })
  assert.equal((await launcher.waitFor('worker.exited')).code, 1)
  assert.match((await launcher.waitFor('worker.stop_failed')).message, /stop\(\) failed as it was told to/)
})

test('a connection that comes after the stop has begun is refused at once, while requests in flight go on', async (t) => {
  const launcher = await startReady(t, ['--workers', '2', ...LISTEN, WEB])
  const url = await launcher.url()
  const slow = get(`${url}/slow?ms=1500`)
  await untilTaken(url)
  launcher.signal('SIGTERM')
  await until('the refusal', () => get(url).then(() => false, (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED'))
  assert.ok(launcher.processes().includes(launcher.pid))
  assert.equal((await slow).status, 200)
})

test('INT is graceful, two within 500 ms are one, and a later one ends everything at once with exit 6', async (t) => {
  const launcher = await startReady(t, ['--workers', '2', ...LISTEN, WEB], { env: { STOP: 'never' } })
  launcher.signal('SIGINT')
  await launcher.waitFor('launcher.stopping')
  launcher.signal('SIGINT')
  await until('both signals', () => launcher.all('launcher.signal').length === 2)
  assert.deepEqual(launcher.all('worker.killed'), [])
  await sleep(600)
  assert.deepEqual(launcher.all('worker.killed'), [], 'two INTs at once were taken for a second one')
  launcher.signal('SIGINT')
  assert.deepEqual(await launcher.exit, { code: 6, signal: null })
  assert.deepEqual(launcher.all('worker.killed').map((line) => line['reason']), ['forced', 'forced'])
})

test('INT alone answers what is in flight and exits with 0', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', ...LISTEN, WEB])
  const url = await launcher.url()
  const slow = get(`${url}/slow?ms=500`)
  await untilTaken(url)
  launcher.signalGroup('SIGINT') // As a terminal does.
  assert.equal((await slow).status, 200)
  assert.deepEqual(await launcher.exit, { code: 0, signal: null })
})

test('QUIT ends everything at once', async (t) => {
  const launcher = await startReady(t, ['--workers', '2', ...LISTEN, WEB])
  const url = await launcher.url()
  const slow = get(`${url}/slow?ms=60000`).catch((error: NodeJS.ErrnoException) => error.code)
  await untilTaken(url)
  launcher.signal('SIGQUIT')
  const quit = await launcher.waitFor('launcher.signal')
  assert.deepEqual(await launcher.exit, { code: 6, signal: null })
  assert.ok(msBetween(quit, await launcher.waitFor('launcher.stopped')) < 1_000)
  assert.equal(await slow, 'ECONNRESET')
})

test('TERM at any moment of starting leaves no process, port or socket behind', async (t) => {
  for (let round = 0; round < 16; round++) {
    const delayMs = randomInt(20 * round, 20 * (round + 1))
    const launcher = startLauncher(t, ['--workers', '3', '--graceful-shutdown-timeout', '5s', ...LISTEN, WEB])
    await sleep(delayMs)
    launcher.signal('SIGTERM')
    const { code, signal } = await launcher.exit
    // Before Node runs the first line, nobody listens for the signal.
    const ended = code === 0 || (signal === 'SIGTERM' && launcher.events.length === 0)
    assert.ok(ended, `after ${delayMs} ms: ${code} ${signal}\n${launcher.stderr}`)
    assert.deepEqual(launcher.processes(), [], `after ${delayMs} ms`)
    await launcher.end()
  }
})

test('TERM while start() still waits ends without waiting for it', async (t) => {
  const launcher = startLauncher(t, ['--workers', '2', ...LISTEN, WEB], { env: { START: 'never' } })
  await until('both forks', () => launcher.all('worker.starting').length === 2)
  await sleep(300)
  launcher.signal('SIGTERM')
  assert.deepEqual(await launcher.exit, { code: 0, signal: null })
})

test('kill -9 of the launcher ends every worker within two seconds, one in a busy loop too', async (t) => {
  const launcher = await startReady(t, ['--workers', '3', ...LISTEN, WEB])
  const workers = await launcher.pids()
  get(`${await launcher.url()}/block`).catch(() => undefined)
  await launcher.waitFor('test.blocking')
  launcher.signal('SIGKILL')
  await launcher.exit
  await launcher.untilGone(2_000)
  // Without an environment any more, and not yet a zombie: for a moment.
  await until('the last worker to be gone', () => Promise.resolve(workers.filter(isAlive).length === 0), 2_000)
})

test('an upgraded connection goes on in the drain, is cut shortly before the deadline, and the stop is a clean one', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', '--graceful-shutdown-timeout', '3s', ...LISTEN, WEB])
  const socket = await upgrade(await launcher.url())
  launcher.signal('SIGTERM')
  const stopping = await launcher.waitFor('launcher.stopping')
  socket.write('still there?')
  assert.equal(String((await once(socket, 'data') as [Buffer])[0]), 'still there?')
  await once(socket, 'close')
  assert.deepEqual(await launcher.exit, { code: 0, signal: null })
  const afterMs = msBetween(stopping, await launcher.waitFor('worker.exited'))
  assert.ok(afterMs > 2_000 && afterMs < 3_000, `ended after ${afterMs} ms`)
  assert.match((await launcher.waitFor('worker.unfinished')).message, /1 open connection/)
})

test('a keep-alive client that honours Connection: close sees no failure on its connections over a stop', async (t) => {
  const launcher = await startReady(t, ['--workers', '2', '--keep-alive-grace', '1s', ...LISTEN, WEB])
  const url = await launcher.url()
  const load = new KeepAliveLoad(url, 8)
  await until('some load', () => load.count > 200)
  launcher.signal('SIGTERM')
  await launcher.waitFor('launcher.stopping')
  assert.deepEqual(await launcher.exit, { code: 0, signal: null })
  await load.end()
  // A new connection is refused, or reset when it came in the very moment of the close: the kernel knows no other way.
  assert.deepEqual(load.failures.filter(({ reusedSocket }) => reusedSocket), [])
})

test('a program with a TERM listener of its own ends as that says', async (t) => {
  const launcher = await startReady(t, ['--workers', '2', fixture('modules/own-sigterm.cjs')], { env: { PORT: String(await freePort()) } })
  const pids = await launcher.pids()
  launcher.signal('SIGTERM')
  assert.deepEqual(await launcher.exit, { code: 0, signal: null })
  assert.deepEqual(launcher.stdout.trim().split('\n').sort(), pids.map((pid) => `goodbye from ${pid}`).sort())
})

/** Every connection made before has been taken by a worker: the queue is served in order. */
async function untilTaken(url: string): Promise<void> {
  await whoIs(url)
}

async function upgrade(url: string): Promise<Socket> {
  const asked = request(url, { headers: { connection: 'Upgrade', upgrade: 'echo' } }).end()
  const [, socket] = await once(asked, 'upgrade') as [unknown, Socket]
  socket.on('error', () => undefined)
  return socket
}

function msBetween(earlier: LogLine, later: LogLine): number {
  return Date.parse(later.time) - Date.parse(earlier.time)
}

