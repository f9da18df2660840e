import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, test } from 'node:test'
import { bootSystemd, type Machine } from '../support/boot-systemd.js'
import { notRun } from '../support/not-run.js'

/** One boot for all: the tests run in their order, and each leaves its units stopped. */
const booted = await bootSystemd()
const skip = typeof booted === 'string' ? notRun('the units under a booted systemd', booted) : false
/** Only read where nothing is skipped. */
const machine = booted as Machine

const UNITS = join(import.meta.dirname, '../../../systemd')
const FIXTURES = '/srv/reeve/test/dist/fixtures'
const ALL_READY = /\b2\/2\b.*\bready/
const HOME = 'http://127.0.0.1:8080'

/** The end of a configuration: the section of the service comes after DEFAULT's keys. */
const PID_SERVICE = ['workers = 2', 'min_healthy = 200ms', '[service:pid]', `module = ${FIXTURES}/pid-service.js`]

interface Probe {
  readonly answers: Readonly<Record<string, number>>
  readonly failures: readonly string[]
}

/** Asks on new connections, `parallel` at a time, for `forMs` and at least once each. */
async function probe(path: string, parallel: number, forMs: number): Promise<Probe> {
  return JSON.parse(await machine.check('node', `${FIXTURES}/http-probe.js`, HOME + path, String(parallel), String(forMs))) as Probe
}

/** Pids of the workers that answer, sorted. Enough questions to meet each of two. */
async function workerPids(): Promise<readonly string[]> {
  const { answers, failures } = await probe('/', 4, 300)
  assert.deepEqual(failures, [])
  return Object.keys(answers).sort()
}

/** `systemctl VERB reeve.service` once a probe that was started just now is under way: half a second after. */
async function whileLoaded(verb: string, ...more: readonly string[]): Promise<void> {
  await sleep(500)
  await machine.check('systemctl', verb, 'reeve.service', ...more)
}

/** From the start of the main process to the end of `activating`, in ms. */
async function activationMs(unit: string): Promise<number> {
  const started = Number(await machine.property(unit, 'ExecMainStartTimestampMonotonic'))
  return (Number(await machine.property(unit, 'ActiveEnterTimestampMonotonic')) - started) / 1_000
}

async function writeConfig(name: string, lines: readonly string[]): Promise<void> {
  await machine.write(`/etc/reeve/${name}.conf`, `${lines.join('\n')}\n`)
}

async function writeUnit(name: string, lines: readonly string[]): Promise<void> {
  await machine.write(`/etc/systemd/system/${name}`, `${lines.join('\n')}\n`)
  await machine.check('systemctl', 'daemon-reload')
}

before(async () => {
  if (skip !== false) return
  await machine.check('useradd', '--system', '--home-dir', '/var/lib/reeve', 'reeve')
  await machine.check('ln', '--symbolic', '--force', '/srv/reeve/dist/cli/bin.cjs', '/usr/local/bin/launcher')
  for (const entry of await readdir(UNITS, { withFileTypes: true })) {
    if (entry.isFile()) await machine.write(`/etc/systemd/system/${entry.name}`, await readFile(join(UNITS, entry.name), 'utf8'))
  }
  await writeConfig('reeve', ['[DEFAULT]', 'listen = http=tcp://127.0.0.1:8080', ...PID_SERVICE])
  await machine.check('systemctl', 'daemon-reload')
})

after(async () => {
  if (skip === false) await machine[Symbol.asyncDispose]()
})

describe('Notifier under systemd', { skip }, () => {
  const ways = [
    { name: 'notify-native', by: 'koffi', lines: ['NotifyAccess=main'] },
    { name: 'notify-command', by: 'systemd-notify, without privileges', lines: ['NotifyAccess=all', 'KillMode=mixed', 'Environment=REEVE_NO_NATIVE=1', 'User=reeve'] },
  ]
  for (const { name, by, lines } of ways) {
    test(`start, reload, status and stop are told by ${by}`, async () => {
      const unit = `${name}.service`
      await writeUnit(unit, ['[Service]', 'Type=notify', `ExecStart=node ${FIXTURES}/notify-program.js`, 'TimeoutStartSec=20s', ...lines])
      await machine.check('systemctl', 'start', unit)
      assert.ok(await activationMs(unit) >= 500, 'active before READY=1')
      assert.equal(await machine.property(unit, 'StatusText'), '1/1 ready')
      await machine.check('systemctl', 'kill', '--kill-whom=main', '--signal=HUP', unit)
      await machine.until(unit, 'ActiveState', 'reloading')
      await machine.until(unit, 'ActiveState', 'active')
      await machine.check('systemctl', 'stop', unit)
      assert.equal(await machine.property(unit, 'Result'), 'success')
      assert.doesNotMatch(await machine.journal(unit), /notification message|NOTIFY_FAILED/)
    })
  }
})

describe('reeve.service', { skip }, () => {
  test('is active only when all workers are ready, and its status says how many', async () => {
    await machine.check('systemctl', 'start', 'reeve.socket')
    await machine.check('systemctl', 'start', 'reeve.service')
    assert.ok(await activationMs('reeve.service') >= 500, 'active before its workers were ready')
    assert.match(await machine.check('systemctl', 'status', '--no-pager', 'reeve.service'), /Status: ".*\b2\/2\b.*\bready/)
    assert.equal((await workerPids()).length, 2)
  })

  test('logs to the journal with priorities', async () => {
    const lines = (await machine.check('journalctl', '--output=json', '--unit=reeve.service', '_SYSTEMD_UNIT=reeve.service')).trim().split('\n')
    const entries = lines.map((line) => JSON.parse(line) as { readonly PRIORITY: string, readonly MESSAGE: string })
    assert.deepEqual(entries.filter(({ MESSAGE }) => /^<\d>/.test(MESSAGE)), [], 'a prefix was not understood')
    assert.ok(entries.some(({ PRIORITY }) => PRIORITY === '6'))
    const [pid = ''] = await workerPids()
    await machine.check('kill', '-KILL', pid)
    await machine.until('reeve.service', 'StatusText', ALL_READY)
    const warnings = await machine.check('journalctl', '--output=cat', '--priority=warning', '--unit=reeve.service', '_SYSTEMD_UNIT=reeve.service')
    assert.match(warnings, /SIGKILL/)
  })

  test('reload replaces every worker and keeps the main process, losing nothing', async () => {
    const [mainPid, before] = [await machine.property('reeve.service', 'MainPID'), await workerPids()]
    const [load] = await Promise.all([probe('/', 4, 4_000), whileLoaded('reload')])
    assert.deepEqual(load.failures, [])
    const after = await workerPids()
    assert.deepEqual(after.filter((pid) => before.includes(pid)), [])
    assert.equal(after.length, 2)
    assert.equal(await machine.property('reeve.service', 'MainPID'), mainPid)
    assert.equal(await machine.property('reeve.service', 'ActiveState'), 'active')
  })

  test('restart refuses no connection', async () => {
    const before = await workerPids()
    const [load] = await Promise.all([probe('/', 4, 4_000), whileLoaded('restart')])
    assert.deepEqual(load.failures, [])
    assert.ok(before.some((pid) => (load.answers[pid] ?? 0) > 0), 'none was answered before the restart')
    assert.ok(Object.keys(load.answers).some((pid) => !before.includes(pid)), 'none was answered after the restart')
  })

  test('stop answers what is in flight and leaves no process', async () => {
    await machine.until('reeve.service', 'StatusText', ALL_READY)
    const [{ answers, failures }] = await Promise.all([
      probe('/slow', 4, 0),
      whileLoaded('stop', 'reeve.socket'),
    ])
    assert.deepEqual(failures, [])
    assert.equal(Object.values(answers).reduce((sum, count) => sum + count, 0), 4)
    assert.equal(await machine.property('reeve.service', 'Result'), 'success')
    assert.equal(await machine.property('reeve.service', 'ExecMainStatus'), '0')
    assert.equal((await machine.run('pgrep', '--uid', 'reeve')).stdout, '')
  })

  test('is started by a connection, which is answered, also when only the socket unit names its socket', async () => {
    await writeConfig('reeve', ['[DEFAULT]', ...PID_SERVICE])
    await machine.check('systemctl', 'start', 'reeve.socket')
    assert.equal(await machine.property('reeve.service', 'ActiveState'), 'inactive')
    const { answers, failures } = await probe('/', 1, 0)
    assert.deepEqual([Object.keys(answers).length, failures], [1, []], await machine.journal('reeve.service'))
  })

  after(() => machine.run('systemctl', 'stop', 'reeve.socket', 'reeve.service'))
})

describe('reeve@.service', { skip }, () => {
  const instance = (name: string): string => `reeve@${name}.service`

  test('is not restarted after a wrong configuration', async () => {
    await writeConfig('configuration', ['[DEFAULT]', 'boot_timeout = soon', ...PID_SERVICE])
    await assertGivesUp(instance('configuration'), '3')
  })

  test('is not restarted after a wrong option', async () => {
    await machine.check('mkdir', '--parents', '/etc/systemd/system/reeve@usage.service.d')
    await writeUnit('reeve@usage.service.d/option.conf', ['[Service]', 'ExecStart=', 'ExecStart=launcher run --no-such-option'])
    await assertGivesUp(instance('usage'), '2')
  })

  test('is restarted after its launcher was killed', async () => {
    await writeConfig('killed', ['[DEFAULT]', 'listen = http=tcp://127.0.0.1:8080', ...PID_SERVICE])
    await machine.check('systemctl', 'start', instance('killed'))
    await machine.check('systemctl', 'kill', '--kill-whom=main', '--signal=KILL', instance('killed'))
    await machine.until(instance('killed'), 'SubState', 'auto-restart')
    await machine.check('systemctl', 'stop', instance('killed'))
  })
})

async function assertGivesUp(unit: string, exitCode: string): Promise<void> {
  const { code } = await machine.run('systemctl', 'start', unit)
  assert.notEqual(code, 0, `${unit} started`)
  assert.equal(await machine.property(unit, 'ExecMainStatus'), exitCode, await machine.journal(unit))
  // With a restart to come it would be `activating`.
  assert.equal(await machine.property(unit, 'ActiveState'), 'failed')
  assert.equal(await machine.property(unit, 'NRestarts'), '0')
}
