import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { get, KeepAliveLoad, whoIs, type WhoAmI } from '../support/http.js'
import { fixture, LISTEN, startLauncher, startReady, type LogLine } from '../support/launcher.js'
import { isAlive, until } from '../support/processes.js'

const WEB = fixture('web.mjs')
const COUNTS = fixture('modules/counts-starts.mjs')

test('a worker that is killed is replaced in its own slot, and the others keep their pids', async (t) => {
  const launcher = await startReady(t, ['--workers', '3', ...LISTEN, WEB])
  const before = await launcher.pids()
  const victim = before[1] ?? 0
  process.kill(victim, 'SIGKILL')
  const exited = await launcher.waitFor('worker.exited')
  assert.deepEqual(pick(exited, ['workerId', 'pid', 'code', 'signal', 'expected']), { workerId: 1, pid: victim, code: null, signal: 'SIGKILL', expected: false })
  const { pid } = await launcher.waitFor('worker.ready', (line) => line.workerId === 1 && line.pid !== victim)
  assert.deepEqual(await launcher.pids(), [before[0], pid, before[2]])
  const { workers } = await launcher.status()
  assert.deepEqual(workers.map(({ restarts, lastExit }) => [restarts, lastExit?.signal]), [[0, undefined], [1, 'SIGKILL'], [0, undefined]])
})

test('a worker that gets a TERM answers what it has in work, and is replaced at once without being counted', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', '--restart-intensity', '1', ...LISTEN, WEB])
  const url = await launcher.url()
  for (let round = 0; round < 3; round++) {
    const [victim = 0] = await launcher.pids()
    const slow = get(`${url}/slow?ms=500`)
    await whoIs(url) // The only worker takes connections in their order: it has the slow one.
    process.kill(victim, 'SIGTERM')
    assert.equal((JSON.parse((await slow).body) as WhoAmI).pid, victim)
    const exited = await launcher.waitFor('worker.exited', ({ pid }) => pid === victim)
    assert.deepEqual(pick(exited, ['code', 'signal', 'expected', 'restartInMs']), { code: 0, signal: null, expected: true, restartInMs: 0 })
    await launcher.untilStatus('the successor', ({ workersReady }) => workersReady === 1)
  }
})

test('a slot whose worker dies again and again waits longer each time, while the others serve on', async (t) => {
  const launcher = await startReady(t, ['--workers', '2', ...LISTEN, COUNTS])
  const { pid: steady } = await launcher.waitFor('worker.ready', ({ workerId }) => workerId === 1)
  const load = new KeepAliveLoad(await launcher.url(), 2)
  await until('six deaths', () => launcher.all('worker.exited').length >= 6)
  await load.end()
  // Half of each delay is chance: 100 ms · 2^n, and at least half of that.
  const delays = launcher.all('worker.exited').map((line) => Number(line['restartInMs']))
  delays.slice(0, 6).forEach((delay, n) => assert.ok(delay >= 45 * 2 ** n && delay <= 105 * 2 ** n, `${n}: ${delays.join(', ')}`))
  assert.deepEqual(load.failures, [])
  assert.deepEqual([...load.answers.keys()], [steady])
  assert.ok(isAlive(steady))
})

test('the first death after a healthy period is not delayed', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', '--min-healthy', '0', ...LISTEN, COUNTS])
  await until('three deaths', () => launcher.all('worker.exited').length >= 3)
  assert.deepEqual(launcher.all('worker.exited').slice(0, 3).map((line) => line['restartInMs']), [0, 0, 0])
})

test('more deaths than restart_intensity within restart_period end the launcher with exit 5', async (t) => {
  const launcher = await startReady(t, ['--workers', '2', '--restart-intensity', '3', '--restart-period', '20s', ...LISTEN, COUNTS])
  assert.deepEqual(await launcher.exit, { code: 5, signal: null })
  assert.equal(launcher.all('worker.exited', ({ code }) => code === 1).length, 4)
  assert.match((await launcher.waitFor('launcher.stopped')).message, /died 4 times in 20 s, and 3 are allowed/)
})

const RESTARTS: readonly (readonly [type: string, code: string, restarted: boolean])[] = [
  ['permanent', '0', true],
  ['transient', '0', false],
  ['transient', '7', true],
  ['temporary', '0', false],
  ['temporary', '7', false],
]

for (const [type, code, restarted] of RESTARTS) {
  test(`a ${type} worker that exits with ${code} is ${restarted ? '' : 'not '}restarted`, async (t) => {
    const launcher = await startReady(t, ['--workers', '2', '--restart-type', type, ...LISTEN, COUNTS], { env: { CODE: code } })
    await launcher.waitFor('worker.exited', ({ workerId }) => workerId === 0)
    if (restarted) {
      await until('the second start', () => launcher.all('worker.ready', ({ workerId }) => workerId === 0).length === 2)
    } else {
      const { workers } = await launcher.untilStatus('the end of the slot', (status) => status.workers.some(({ state }) => state === 'stopped'))
      assert.deepEqual(workers.map(({ workerId, state }) => `${workerId} ${state}`), ['0 stopped', '1 ready'])
      assert.equal(launcher.all('worker.starting', ({ workerId }) => workerId === 0).length, 1)
    }
  })
}

test('a launcher whose only service has ended for good ends: exit 0 after a clean end, 1 after a failure', async (t) => {
  const codes = await Promise.all(['0', '7'].map(async (code) => {
    const launcher = startLauncher(t, ['--workers', '1', '--restart-type', 'temporary', ...LISTEN, COUNTS], { env: { CODE: code } })
    return (await launcher.exit).code
  }))
  assert.deepEqual(codes, [0, 1])
})

for (const [path, what, text] of [['/throw', 'an uncaught exception', 'thrown by a timer'], ['/reject', 'an unhandled rejection', 'rejected by nobody']] as const) {
  test(`${what} ends its worker alone, with the stack in the log`, async (t) => {
    const launcher = await startReady(t, ['--workers', '2', ...LISTEN, WEB])
    const before = await launcher.pids()
    await get(`${await launcher.url()}${path}`).catch(() => undefined) // The answer may be lost with its worker.
    const uncaught = await launcher.waitFor('worker.uncaught')
    assert.match((uncaught['error'] as { stack: string }).stack, new RegExp(`Error: ${text}[^]*web\\.mjs:\\d+`))
    const exited = await launcher.waitFor('worker.exited')
    assert.deepEqual(pick(exited, ['pid', 'code', 'expected']), { pid: uncaught.pid, code: 1, expected: false })
    await launcher.untilStatus('both workers', ({ workersReady }) => workersReady === 2)
    const after = await launcher.pids()
    assert.deepEqual(after.map((pid, slot) => pid === before[slot]), before.map((pid) => pid !== uncaught.pid))
  })
}

test('a worker that hangs in a busy loop is killed after hang_timeout and replaced', async (t) => {
  const launcher = await startReady(t, ['--workers', '2', '--hang-timeout', '1s', '--heartbeat-interval', '100ms', ...LISTEN, WEB])
  const url = await launcher.url()
  const hanging = get(`${url}/block`)
  await assert.rejects(hanging, { code: 'ECONNRESET' })
  const hung = await launcher.waitFor('worker.hung')
  assert.ok(Number(hung['lastBeatMs']) >= 1_000, String(hung['lastBeatMs']))
  const killed = await launcher.waitFor('worker.killed')
  assert.deepEqual(pick(killed, ['pid', 'reason']), { pid: hung.pid, reason: 'hung' })
  await launcher.waitFor('worker.ready', ({ workerId, pid }) => workerId === hung.workerId && pid !== hung.pid)
  assert.equal(launcher.all('worker.hung').length, 1)
  launcher.signal('SIGTERM')
  assert.deepEqual(await launcher.exit, { code: 0, signal: null })
})

test('a launcher that was stopped itself blames no worker for the silence', async (t) => {
  const launcher = await startReady(t, ['--workers', '2', '--hang-timeout', '1s', '--heartbeat-interval', '100ms', ...LISTEN, WEB])
  const before = await launcher.pids()
  launcher.signal('SIGSTOP')
  await sleep(2_500) // Longer than hang_timeout: that is what is tested.
  launcher.signal('SIGCONT')
  await launcher.waitFor('launcher.starved')
  await until('two beats', async () => (await launcher.status()).workers.every(({ lastBeatMs }) => lastBeatMs !== null && lastBeatMs < 500))
  assert.deepEqual(await launcher.pids(), before)
  assert.deepEqual(launcher.all('worker.hung'), [])
})

test('a worker that is not ready within boot_timeout is killed, and three of them are a boot failure', async (t) => {
  const launcher = startLauncher(t, ['--workers', '1', '--boot-timeout', '300ms', ...LISTEN, WEB], { env: { START: 'never' } })
  assert.deepEqual(await launcher.exit, { code: 4, signal: null })
  assert.deepEqual(launcher.all('worker.killed').map((line) => line['reason']), ['boot timeout', 'boot timeout', 'boot timeout'])
})

function pick(line: LogLine, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, line[name]]))
}
