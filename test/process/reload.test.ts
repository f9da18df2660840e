import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { get, KeepAliveLoad, whoIs, type WhoAmI } from '../support/http.js'
import { fixture, LISTEN, startLauncher, startReady } from '../support/launcher.js'
import { until } from '../support/processes.js'

const WEB = fixture('web.mjs')

test('HUP replaces every worker by one of the next generation, one slot after the other, and answers what is in flight', async (t) => {
  const launcher = await startReady(t, ['--workers', '3', ...LISTEN, WEB])
  const url = await launcher.url()
  const before = await launcher.pids()
  const slow = Array.from({ length: 9 }, () => get(`${url}/slow?ms=1000`))
  await whoIs(url)
  launcher.signal('SIGHUP')
  const finished = await launcher.waitFor('reload.finished')
  assert.deepEqual([finished['ok'], finished['generation']], [true, 2])
  for (const answer of await Promise.all(slow)) {
    const { pid, generation } = JSON.parse(answer.body) as WhoAmI
    assert.ok(before.includes(pid) && generation === 1)
  }
  const { generation, workers, state } = await launcher.status()
  assert.deepEqual([generation, state], [2, 'running'])
  assert.deepEqual(workers.map((worker) => [worker.workerId, worker.generation, worker.state]), [[0, 2, 'ready'], [1, 2, 'ready'], [2, 2, 'ready']])
  assert.deepEqual(workers.filter(({ pid }) => before.includes(pid ?? 0)), [])
  // New first: the next successor starts only when the one before it is ready.
  const steps = launcher.events.filter(({ event, generation: of }) => of === 2 && (event === 'worker.starting' || event === 'worker.ready')).map(({ event, workerId }) => `${event} ${workerId}`)
  assert.deepEqual(steps, [0, 1, 2].flatMap((slot) => [`worker.starting ${slot}`, `worker.ready ${slot}`]))
})

test('five reloads under keep-alive load lose no request', async (t) => {
  const launcher = await startReady(t, ['--workers', '2', '--keep-alive-grace', '500ms', ...LISTEN, WEB])
  const load = new KeepAliveLoad(await launcher.url(), 8)
  for (let generation = 2; generation <= 6; generation++) {
    const { code, stdout } = await launcher.command('reload', '--wait')
    assert.deepEqual([code, stdout], [0, `reloaded: generation ${generation}\n`])
    const enough = load.count + 100
    await until('some load', () => load.count > enough)
  }
  await load.end()
  assert.deepEqual(load.failures, [])
  assert.ok(load.answers.size >= 6, 'some generation answered nothing')
})

test('new code that throws: the old workers keep their pids, reload --wait fails, and a later reload succeeds', async (t) => {
  const launcher = await startReady(t, ['--workers', '2', ...LISTEN, WEB], { env: { FAIL_FILE: 'broken' } })
  const before = await launcher.pids()
  writeFileSync(join(launcher.folder, 'broken'), 'the new code is broken')
  const { code, stderr } = await launcher.command('reload', '--wait')
  assert.equal(code, 1)
  assert.match(stderr, /^launcher: the reload failed, the old workers go on: the new code is broken\n$/)
  assert.equal((await launcher.waitFor('reload.finished'))['ok'], false)
  assert.deepEqual(await launcher.pids(), before)
  assert.equal(launcher.all('worker.starting').length, 3, 'the canary was tried more than once')
  const load = await whoIs(await launcher.url())
  assert.ok(before.includes(load.pid))
  rmSync(join(launcher.folder, 'broken'))
  assert.equal((await launcher.command('reload', '--wait')).code, 0)
  assert.equal((await launcher.pids()).some((pid) => before.includes(pid)), false)
})

test('new code that hangs while it boots is killed after boot_timeout, and the old workers go on', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', '--config-file', 'launcher.conf', ...LISTEN, fixture('modules/boots-as-told.mjs')], {
    before: (folder) => writeFileSync(join(folder, 'launcher.conf'), '[DEFAULT]\nboot_timeout = 5s\n[boot]\nhangs = no\n'),
  })
  const before = await launcher.pids()
  writeFileSync(join(launcher.folder, 'launcher.conf'), '[DEFAULT]\nboot_timeout = 400ms\n[boot]\nhangs = yes\n')
  launcher.signal('SIGHUP')
  assert.equal((await launcher.waitFor('reload.finished'))['ok'], false)
  assert.equal((await launcher.waitFor('worker.killed'))['reason'], 'boot timeout')
  assert.deepEqual(await launcher.pids(), before)
})

test('HUP with a configuration that is not valid changes nothing', async (t) => {
  const launcher = await startReady(t, ['--config-file', 'launcher.conf', ...LISTEN, WEB], {
    before: (folder) => writeFileSync(join(folder, 'launcher.conf'), '[DEFAULT]\nworkers = 2\n'),
  })
  const before = await launcher.pids()
  writeFileSync(join(launcher.folder, 'launcher.conf'), '[DEFAULT]\nworkers = 3\nboot_timeout = soon\n')
  launcher.signal('SIGHUP')
  assert.match((await launcher.waitFor('launcher.config_rejected')).message, /launcher\.conf:3: \[DEFAULT\] boot_timeout/)
  assert.equal((await launcher.waitFor('reload.finished'))['ok'], false)
  const { generation, workersWanted } = await launcher.status()
  assert.deepEqual([generation, workersWanted], [1, 2])
  assert.deepEqual(await launcher.pids(), before)
})

test('HUP applies what the configuration says now, the number of workers included', async (t) => {
  const launcher = await startReady(t, ['--config-file', 'launcher.conf', ...LISTEN, WEB], {
    before: (folder) => writeFileSync(join(folder, 'launcher.conf'), '[DEFAULT]\nworkers = 2\n'),
  })
  writeFileSync(join(launcher.folder, 'launcher.conf'), '[DEFAULT]\nworkers = 3\n')
  launcher.signal('SIGHUP')
  assert.equal((await launcher.waitFor('reload.finished'))['ok'], true)
  const { workers } = await launcher.untilStatus('three workers', ({ workersReady }) => workersReady === 3)
  assert.deepEqual(workers.map(({ workerId, generation }) => [workerId, generation]), [[0, 2], [1, 2], [2, 2]])
})

test('200 HUPs within a second end in one generation with every worker ready', async (t) => {
  const launcher = await startReady(t, ['--workers', '2', '--keep-alive-grace', '100ms', ...LISTEN, WEB])
  const load = new KeepAliveLoad(await launcher.url(), 2)
  for (let n = 0; n < 200; n++) {
    launcher.signal('SIGHUP')
    await new Promise((resolve) => setTimeout(resolve, 4))
  }
  await launcher.waitFor('reload.started')
  const { generation, workers } = await launcher.untilStatus('the end of the reloads', ({ state }) => state === 'running')
  await load.end()
  assert.deepEqual(workers.map((worker) => [worker.workerId, worker.generation, worker.state]), [[0, generation, 'ready'], [1, generation, 'ready']])
  assert.ok(generation >= 2 && generation <= 20, `${generation} generations`)
  assert.deepEqual(load.failures, [])
})

test('HUP during the boot is done after it or with it, and ends with every worker ready', async (t) => {
  const launcher = startLauncher(t, ['--workers', '2', ...LISTEN, WEB], { env: { START: '400' } })
  await launcher.waitFor('worker.starting')
  launcher.signal('SIGHUP')
  assert.equal((await launcher.waitFor('reload.finished'))['ok'], true)
  await launcher.waitFor('launcher.ready')
  const { workers } = await launcher.untilStatus('two workers', ({ workersReady, state, workers: all }) => workersReady === 2 && state === 'running' && all.length === 2)
  assert.deepEqual(workers.map((worker) => [worker.workerId, worker.generation]), [[0, 2], [1, 2]])
})

test('a worker that dies during a reload is replaced, and the reload goes on', async (t) => {
  const launcher = await startReady(t, ['--workers', '3', ...LISTEN, WEB], { env: { START: '300' } })
  const before = await launcher.pids()
  launcher.signal('SIGHUP')
  await launcher.waitFor('worker.starting', (line) => line['generation'] === 2)
  process.kill(before[2] ?? 0, 'SIGKILL')
  assert.equal((await launcher.waitFor('reload.finished'))['ok'], true)
  const { workers } = await launcher.untilStatus('three workers', ({ workersReady, workers: all }) => workersReady === 3 && all.length === 3)
  assert.deepEqual(workers.map(({ workerId, generation }) => [workerId, generation]), [[0, 2], [1, 2], [2, 2]])
})

test('TERM during a reload stops everything cleanly', async (t) => {
  const launcher = await startReady(t, ['--workers', '2', ...LISTEN, WEB], { env: { START: '300' } })
  const waiting = launcher.command('reload', '--wait')
  await launcher.waitFor('worker.starting', (line) => line['generation'] === 2)
  launcher.signal('SIGTERM')
  assert.deepEqual(await launcher.exit, { code: 0, signal: null })
  assert.equal((await waiting).code, 1)
})

test('TTIN adds a slot and TTOU takes the last one away, never under 1', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', ...LISTEN, WEB])
  const [first] = await launcher.pids()
  const slots = async (count: number): Promise<number[]> => {
    const { workers } = await launcher.untilStatus(`${count} slots`, (status) => status.workersWanted === count && status.workersReady === count && status.workers.length === count)
    return workers.map(({ workerId }) => workerId)
  }
  launcher.signal('SIGTTIN')
  assert.deepEqual(await slots(2), [0, 1])
  launcher.signal('SIGTTIN')
  assert.deepEqual(await slots(3), [0, 1, 2])
  for (let n = 0; n < 4; n++) {
    launcher.signal('SIGTTOU')
    await until('the signal', () => launcher.all('launcher.signal', (line) => line['signal'] === 'SIGTTOU').length === n + 1)
  }
  assert.deepEqual(await slots(1), [0])
  assert.deepEqual(await launcher.pids(), [first])
})

test('launcher scale gives the service so many workers, while the load goes on', async (t) => {
  const launcher = await startReady(t, ['--workers', '2', '--keep-alive-grace', '200ms', ...LISTEN, WEB])
  const load = new KeepAliveLoad(await launcher.url(), 4)
  for (const count of [5, 1, 3]) {
    assert.equal((await launcher.command('scale', String(count))).code, 0)
    await launcher.untilStatus(`${count} workers`, ({ workersWanted, workersReady, workers }) => workersWanted === count && workersReady === count && workers.length === count)
  }
  await load.end()
  assert.deepEqual(load.failures, [])
  const refused = await launcher.command('scale', '0')
  assert.equal(refused.code, 2)
  assert.match(refused.stderr, /at least 1: 0/)
})
