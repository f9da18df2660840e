import assert from 'node:assert/strict'
import { once } from 'node:events'
import { lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LauncherStatus } from '#src/admin/status.js'
import { get, whoIs } from '../support/http.js'
import { fixture, LISTEN, runCommand, startLauncher, startReady, type LauncherProcess } from '../support/launcher.js'
import { until } from '../support/processes.js'

const WEB = fixture('web.mjs')
const SAYS_WHEN = fixture('modules/says-when.mjs')

test('launcher status --json prints every field, and nothing else', async (t) => {
  const launcher = await startReady(t, ['--workers', '2', '--name', 'shop', '--heartbeat-interval', '50ms', ...LISTEN, WEB])
  const [victim = 0] = await launcher.pids()
  process.kill(victim, 'SIGKILL')
  await launcher.untilStatus('beats of both workers', ({ workers }) => workers.every(({ state, lastBeatMs, pid }) => state === 'ready' && lastBeatMs !== null && pid !== victim))
  const { code, stdout } = await launcher.command('status', '--json')
  assert.equal(code, 0)
  const status = JSON.parse(stdout) as LauncherStatus
  assert.deepEqual(Object.keys(status), ['name', 'pid', 'state', 'generation', 'workersWanted', 'workersReady', 'sockets', 'workers'])
  const { sockets, workers, ...head } = status
  assert.deepEqual(head, { name: 'shop', pid: launcher.pid, state: 'running', generation: 1, workersWanted: 2, workersReady: 2 })
  assert.deepEqual(sockets, [{ name: 'http', url: (await launcher.waitFor('launcher.listening'))['url'] }])
  for (const [slot, worker] of workers.entries()) {
    const { pid, sinceMs, lastExit, rssBytes, loopDelayMs, lastBeatMs, ...named } = worker
    assert.deepEqual(Object.keys(worker), ['service', 'workerId', 'pid', 'generation', 'state', 'sinceMs', 'restarts', 'lastExit', 'rssBytes', 'loopDelayMs', 'lastBeatMs'])
    assert.deepEqual(named, { service: 'shop', workerId: slot, generation: 1, state: 'ready', restarts: slot === 0 ? 1 : 0 })
    assert.deepEqual([pid, sinceMs, rssBytes, loopDelayMs, lastBeatMs].map((amount) => typeof amount), Array.from({ length: 5 }, () => 'number'))
    assert.ok(Number(rssBytes) > 10_000_000 && Number(lastBeatMs) < 5_000)
    if (slot !== 0) assert.equal(lastExit, null)
  }
  const { at, ...lastExit } = workers[0]?.lastExit ?? {}
  assert.deepEqual(lastExit, { code: null, signal: 'SIGKILL' })
  assert.match(String(at), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
})

test('launcher status and workers print tables for people, and the latter JSON too', async (t) => {
  const launcher = await startReady(t, ['--workers', '2', ...LISTEN, WEB])
  const pids = await launcher.pids()
  const status = await launcher.command('status')
  assert.match(status.stdout, new RegExp(`^web \\(pid ${launcher.pid}\\) is running: 2/2 workers ready, generation 1\\nsocket http: tcp://127`))
  const workers = await launcher.command('workers')
  const [header, ...rows] = workers.stdout.trim().split('\n')
  assert.match(header ?? '', /^SERVICE +WORKER +PID +GEN +STATE/)
  assert.deepEqual(rows.map((row) => row.split(/ +/).slice(0, 5)), pids.map((pid, slot) => ['web', String(slot), String(pid), '1', 'ready']))
  const json = JSON.parse((await launcher.command('workers', '--json')).stdout) as LauncherStatus['workers']
  assert.deepEqual(json.map(({ pid }) => pid), pids)
})

test('launcher stop --wait returns when everything has ended', async (t) => {
  const launcher = await startReady(t, ['--workers', '2', ...LISTEN, WEB])
  const slow = get(`${await launcher.url()}/slow?ms=600`)
  await whoIs(await launcher.url())
  const { code, stdout } = await launcher.command('stop', '--wait')
  assert.deepEqual([code, stdout], [0, 'stopped with exit code 0: asked for by the control socket\n'])
  assert.equal((await slow).status, 200)
  await until('the end', () => launcher.processes().length === 0, 2_000)
  assert.deepEqual(await launcher.exit, { code: 0, signal: null })
})

test('launcher stop --wait fails when something had to be killed', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', '--graceful-shutdown-timeout', '300ms', ...LISTEN, WEB], { env: { STOP: 'never' } })
  const { code, stdout } = await launcher.command('stop', '--wait')
  assert.equal(code, 1)
  assert.match(stdout, /^stopped with exit code 6: .* had to be killed\n$/)
})

test('launcher stop returns at once', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', ...LISTEN, WEB], { env: { STOP: '1000' } })
  assert.deepEqual(await launcher.command('stop'), { code: 0, stdout: 'stopping\n', stderr: '' })
  assert.equal((await launcher.status()).state, 'stopping')
  assert.deepEqual(await launcher.exit, { code: 0, signal: null })
})

test('launcher signal sends what the launcher understands, and refuses the rest', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', ...LISTEN, WEB])
  assert.deepEqual(await launcher.command('signal', 'TTIN'), { code: 0, stdout: 'sent SIGTTIN\n', stderr: '' })
  await launcher.untilStatus('two workers', ({ workersReady }) => workersReady === 2)
  assert.equal((await launcher.command('signal', 'SIGUSR2')).code, 0)
  const report = await launcher.waitFor('launcher.report')
  assert.equal((report['status'] as LauncherStatus).workersReady, 2)
  const refused = await launcher.command('signal', 'KILL')
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /^launcher: Cannot answer "signal" as the launcher knows SIGTERM, .*: KILL\n$/)
})

test('a command finds no launcher: one line, exit 1', async () => {
  for (const command of ['status', 'workers', 'stop', 'reload']) {
    const { code, stderr } = await runCommand([command, '--control', '/tmp/no-such-launcher.sock'])
    assert.equal(code, 1)
    assert.match(stderr, /^launcher: Cannot reach a launcher at "\/tmp\/no-such-launcher\.sock" as there is no such socket\n$/)
  }
})

test('without --control a launcher is found by its name in $XDG_RUNTIME_DIR, and by itself where it is the only one', async (t) => {
  const launcher = await startReady(t, (folder) => {
    mkdirSync(join(folder, 'run'))
    return ['--control', join(folder, 'run/reeve/shop.sock'), '--workers', '1', '--name', 'shop', WEB]
  })
  const options = { env: { XDG_RUNTIME_DIR: join(launcher.folder, 'run') } }
  for (const args of [['status'], ['status', 'shop'], ['status', '--name', 'shop']]) {
    assert.match((await runCommand(args, options)).stdout, /^shop \(pid \d+\) is running/)
  }
  assert.equal((await runCommand(['status', 'other'], options)).code, 1)
  assert.equal((await runCommand(['stop', '--wait'], options)).code, 0)
  assert.deepEqual(readdirSync(join(launcher.folder, 'run/reeve')), [])
})

test('the control socket has mode 0600', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', WEB])
  const stat = lstatSync(launcher.controlPath)
  assert.ok(stat.isSocket())
  assert.equal(stat.mode & 0o777, 0o600)
})

test('launcher run --no-control makes no control socket', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', '--no-control', WEB])
  assert.throws(() => lstatSync(launcher.controlPath), { code: 'ENOENT' })
  assert.equal((await launcher.waitFor('launcher.ready'))['control'], null)
})

test('garbage, oversized requests and slow clients cost their own connection and nothing else', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', ...LISTEN, WEB])
  assert.match(await say(launcher, 'this is no JSON\n'), /"code":"CONTROL_INVALID_REQUEST"/)
  assert.match(await say(launcher, '[1,2]\n{"id":7,"method":"status","params":3}\n'), /CONTROL_INVALID_REQUEST.*\n.*CONTROL_INVALID_REQUEST/)
  assert.match(await say(launcher, '{"id":8,"method":"__proto__"}\n'), /"id":8,"error":\{"code":"CONTROL_UNKNOWN_METHOD"/)
  assert.match(await say(launcher, `"${'x'.repeat(70_000)}`), /at most 65536 bytes/)
  assert.match(await say(launcher, Buffer.from([0xff, 0xfe, 0x00, 0x0a])), /CONTROL_INVALID_REQUEST/)
  const silent = Array.from({ length: 50 }, () => net.connect(launcher.controlPath).on('error', () => undefined))
  const slow = net.connect(launcher.controlPath).on('error', () => undefined)
  slow.write('{"id":1,')
  assert.equal((await launcher.command('status', '--json')).code, 0)
  // 5 s without a request are the end of a connection.
  await Promise.all([slow, ...silent].filter(({ closed }) => !closed).map((client) => once(client.resume(), 'close')))
  assert.equal((await launcher.status()).state, 'running')
  assert.equal((await get(await launcher.url())).status, 200)
})

test('a client that goes away before its answer harms nobody', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', ...LISTEN, WEB], { env: { START: '200' } })
  const client = net.connect(launcher.controlPath)
  await once(client, 'connect')
  client.write('{"id":1,"method":"reload","params":{"wait":true}}\n')
  await launcher.waitFor('reload.started')
  client.destroy()
  assert.equal((await launcher.waitFor('reload.finished'))['ok'], true)
  assert.equal((await launcher.status()).generation, 2)
})

test('several services of a configuration file run side by side, and stop in the reverse order', async (t) => {
  const launcher = await startReady(t, ['--config-file', 'services.conf'], {
    before: (folder) => {
      mkdirSync(join(folder, 'elsewhere'))
      writeFileSync(join(folder, 'services.conf'), [
        '[DEFAULT]', 'workers = 1', 'name = shop',
        '[service:store]', `module = ${SAYS_WHEN}`, 'workers = 2', 'cwd = elsewhere',
        '[service:api]', `module = ${SAYS_WHEN}`, 'args = --fast, x', 'env = MARKED=yes',
        '[service:web]', `module = ${WEB}`, 'listen = tcp://127.0.0.1:0',
      ].join('\n'))
    },
  })
  const { workers, name } = await launcher.status()
  assert.equal(name, 'shop')
  assert.deepEqual(workers.map(({ service, workerId, state }) => `${service}/${workerId} ${state}`), ['store/0 ready', 'store/1 ready', 'api/0 ready', 'web/0 ready'])
  assert.equal((await get(await launcher.url())).status, 200)
  const api = await launcher.waitFor('test.started', ({ service }) => service === 'api')
  assert.deepEqual([api['argv'], api['marked'], api['cwd']], [['--fast', 'x'], 'yes', launcher.folder])
  const store = await launcher.waitFor('test.started', ({ service }) => service === 'store')
  assert.deepEqual([store['argv'], store['marked'], store['cwd']], [[], undefined, join(launcher.folder, 'elsewhere')])
  assert.equal((await launcher.command('scale', '--service', 'api', '2')).code, 0)
  await launcher.untilStatus('five workers', ({ workersReady }) => workersReady === 5)
  launcher.signal('SIGTERM')
  assert.deepEqual(await launcher.exit, { code: 0, signal: null })
  assert.deepEqual(launcher.all('worker.exited').map(({ service }) => service), ['web', 'api', 'api', 'store', 'store'])
})

test('a service that is not critical may end for good, and the others go on', async (t) => {
  const launcher = await startReady(t, ['--config-file', 'services.conf', ...LISTEN], {
    env: { CODE: '0', AFTER: '100' },
    before: (folder) => writeFileSync(join(folder, 'services.conf'), [
      '[service:once]', `module = ${fixture('modules/counts-starts.mjs')}`, 'workers = 1', 'critical = no', 'restart_type = transient',
      '[service:web]', `module = ${WEB}`, 'workers = 1',
    ].join('\n')),
  })
  assert.equal((await launcher.waitFor('service.ended'))['service'], 'once')
  await sleep(100)
  assert.equal((await whoIs(await launcher.url())).workerId, 0)
  const { workersWanted, state } = await launcher.status()
  assert.deepEqual([workersWanted, state], [1, 'running'])
})

/** Sends `text` and gives what is answered until the connection ends, at the latest half a second after the last byte. */
async function say(launcher: LauncherProcess, text: string | Buffer): Promise<string> {
  const client = net.connect(launcher.controlPath).on('error', () => undefined)
  let answer = ''
  client.setEncoding('utf8').on('data', (part: string) => { answer += part })
  client.setTimeout(500, () => client.destroy())
  client.write(text)
  await once(client, 'close')
  return answer
}

test('of several services, each takes the options that it declares, and refuses an unknown key only in a group of its own', async (t) => {
  const services = ['[service:a]', `module = ${fixture('modules/with-options.mjs')}`, 'workers = 1', '[service:b]', `module = ${WEB}`, 'workers = 1', 'listen = tcp://127.0.0.1:0']
  const withConfig = (...lines: readonly string[]) => (folder: string): string[] => {
    writeFileSync(join(folder, 'two.conf'), [...services, ...lines, ''].join('\n'))
    return ['--config-file', 'two.conf']
  }
  const launcher = await startReady(t, withConfig('[web]', 'greeting = moin'))
  assert.deepEqual((await launcher.waitFor('test.started'))['web'], { greeting: 'moin', poolSize: 4 })
  await launcher.command('stop', '--wait')

  const refused = startLauncher(t, withConfig('[web]', 'greetign = moin'))
  const failed = await refused.waitFor('worker.failed')
  assert.equal(failed['service'], 'a')
  assert.match(failed.message, /\[web\] greetign is not an option; did you mean greeting\?/)
})
