import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { LockJson, ServiceJson } from '#src/cli/render-coordination.js'
import { createServiceRecords } from '#src/coordination/group/services.js'
import { encodeHostRecord } from '#src/coordination/group/host-record.js'
import { openStore } from '#src/coordination/open-store.js'
import type { CoordinationStore } from '#src/coordination/store.js'
import { BIN, cleanEnvironment, fixture, runCommand, startReady, type CommandResult } from '../support/launcher.js'
import { notRun } from '../support/not-run.js'
import { freePort } from '../support/ports.js'
import { RedisServer } from '../support/redis.js'
import { temporaryFolder } from '../support/temporary-folder.js'

const missing = await RedisServer.available()
const skip = missing !== undefined && notRun('launcher locks and its like over redis', missing)
const WHO = `${os.userInfo().username}@${os.hostname()}`

/** A Redis with an opened store, and the command speaking to it. */
async function redisStore(t: TestContext): Promise<{ server: RedisServer; store: CoordinationStore; run: (...args: readonly string[]) => Promise<CommandResult> }> {
  const server = await RedisServer.start()
  t.after(() => server.stop())
  const url = `${server.url}/?max_ttl=250ms`
  const store = await openStore(url, { memberId: 'h1/test' })
  t.after(() => store.close())
  return { server, store, run: (...args) => runCommand([...args, '--coordination', url]) }
}

async function acquire(store: CoordinationStore, name: string, id: string, extra: Readonly<Record<string, unknown>> = {}): Promise<bigint> {
  for (;;) {
    const reply = await store.acquire({ name, id, weight: 1, capacity: 1, ttlMs: 60_000, lockDelayMs: 0, waitMs: 60_000, record: JSON.stringify({ host: 'h1', pid: 42, worker: 'volume/0', ...extra }) })
    if (reply.status === 'granted') return reply.fence
    if (reply.status !== 'quarantined') return 0n
    await new Promise((resolve) => setTimeout(resolve, reply.leftMs))
  }
}

function json<T>({ stdout }: CommandResult): T {
  return JSON.parse(stdout) as T
}

test('launcher locks and lock show tell who holds and who waits', { skip }, async (t) => {
  const { store, run } = await redisStore(t)
  assert.deepEqual(await run('locks'), { code: 0, stdout: 'no lock is held\n', stderr: '' })
  assert.deepEqual(await run('locks', '--json'), { code: 0, stdout: '[]\n', stderr: '' })
  const fence = await acquire(store, 'lock:volume-7', 'h1/volume/0#42.a.1')
  await acquire(store, 'lock:volume-7', 'h2/volume/1#43.b.1')
  const [lock, ...others] = json<LockJson[]>(await run('locks', '--json'))
  assert.deepEqual(others, [])
  const { since, ageMs, leftMs, ...holder } = lock?.holders[0] ?? { since: '', ageMs: -1, leftMs: -1 }
  assert.deepEqual([lock?.name, lock?.fence, holder], ['volume-7', String(fence), { member: 'h1/volume/0', host: 'h1', pid: 42, worker: 'volume/0', fence: String(fence), weight: 1 }])
  assert.ok(Math.abs(Date.parse(since) - Date.now()) < 30_000 && ageMs >= 0 && leftMs > 0)
  assert.deepEqual(lock?.waiters.map(({ member }) => member), ['h2/volume/1'])
  assert.match((await run('locks')).stdout, new RegExp(`^LOCK .*\\nvolume-7 +h1/volume/0 +h1 +42 +volume/0 +\\S+Z .* ${fence} +1/1 .* 1\\n$`))
  assert.match((await run('lock', 'show', 'volume-7')).stdout, /^volume-7 is held by h1\/volume\/0\n[^]*\n1 +h2\/volume\/1 +1\n$/)
  assert.equal(json<LockJson>(await run('lock', 'show', 'volume-7', '--json')).name, 'volume-7')
  assert.deepEqual(await run('lock', 'show', 'other'), { code: 0, stdout: 'other is free\n', stderr: '' })
  assert.deepEqual(await run('lock', 'show', 'other', '--json'), { code: 0, stdout: 'null\n', stderr: '' })
})

test('launcher lock force-release takes a lock away, says so, and leaves who did it and why', { skip }, async (t) => {
  const { store, run } = await redisStore(t)
  const fence = await acquire(store, 'lock:volume-7', 'h1/volume/0#42.a.1')
  const unasked = await run('lock', 'force-release', 'volume-7')
  assert.deepEqual([unasked.code, unasked.stdout, unasked.stderr], [2, '', 'launcher: Cannot release "volume-7" as there is no terminal to ask on: say --yes\n'])
  assert.deepEqual(await run('lock', 'force-release', 'volume-7', '--yes', '--reason', 'migration stuck', '--lock-delay', '20s'), {
    code: 0, stderr: '', stdout: `released volume-7, held by h1/volume/0 (fence ${fence}); nobody gets it for 20s\n`,
  })
  const shown = json<LockJson>(await run('lock', 'show', 'volume-7', '--json'))
  assert.deepEqual(shown.holders, [])
  assert.ok(shown.closedMs > 0 && shown.closedMs <= 20_000)
  assert.ok(shown.last.includes(`${WHO} (migration stuck)`), shown.last)
  assert.deepEqual(await store.extend([{ name: 'lock:volume-7', id: 'h1/volume/0#42.a.1', ttlMs: 1_000 }]), [{ leftMs: 0 }])
  assert.deepEqual(await run('lock', 'force-release', 'volume-7', '--yes'), { code: 1, stdout: '', stderr: 'launcher: Cannot release "volume-7" as nobody holds it\n' })
  const free = await acquire(store, 'lock:volume-8', 'h1/volume/0#42.a.2')
  assert.equal((await run('lock', 'force-release', 'volume-8', '--yes')).stdout, `released volume-8, held by h1/volume/0 (fence ${free}); others may have it at once\n`)
})

/** On a terminal, by script(1). */
async function onTerminal(answer: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const command = [process.execPath, BIN, ...args].map((arg) => `'${arg}'`).join(' ')
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], { env: cleanEnvironment(), stdio: ['pipe', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (text.includes('[y/N]')) child.stdin.write(answer)
  })
  const [code] = await once(child, 'close') as [number | null]
  return { code, output }
}

test('launcher lock force-release asks on a terminal, and takes only a yes for one', { skip }, async (t) => {
  const { server, store } = await redisStore(t)
  await acquire(store, 'lock:v', 'h1/volume/0#42.a.1')
  const args = ['lock', 'force-release', 'v', '--coordination', `${server.url}/?max_ttl=250ms`]
  for (const no of ['n\n', '\n', '\u0004']) {
    const { code, output } = await onTerminal(no, args)
    assert.equal(code, 1, output)
    assert.match(output, /Release v held by h1\/volume\/0 on h1 \(pid 42\)\? \[y\/N\] [^]*not released/)
  }
  assert.equal((await store.readResource('lock:v'))?.holders.length, 1)
  const { code, output } = await onTerminal('y\n', args)
  assert.equal(code, 0, output)
  assert.match(output, /released v, held by h1\/volume\/0 /)
})

test('launcher leaders, groups and members tell what is in the store', { skip }, async (t) => {
  const { store, run } = await redisStore(t)
  const epoch = await acquire(store, 'leader:cleaner', 'h1/volume/0#42.a.1', { value: { port: 8_080 } })
  const [leader] = json<Record<string, unknown>[]>(await run('leaders', '--json'))
  assert.deepEqual([leader?.['name'], leader?.['leader'], leader?.['epoch'], leader?.['value']], ['cleaner', 'h1/volume/0', String(epoch), { port: 8_080 }])
  assert.match((await run('leaders')).stdout, /^ELECTION .*\ncleaner +h1\/volume\/0 .* \{"port":8080\}\n$/)
  const record = encodeHostRecord({ host: 'h1', pid: 42, members: new Map([['h1/volume/0', '{"weight":2}'], ['h1/volume/1', '{}']]) })
  await store.beat([{ group: 'volumes', member: 'h1', ttlMs: 60_000, record, keep: false }])
  assert.deepEqual(json<Record<string, unknown>[]>(await run('groups', '--json')).map(({ name, members }) => [name, members]), [['volumes', 2]])
  assert.match((await run('groups')).stdout, /^GROUP +MEMBERS +VERSION\nvolumes +2 +\d+\n$/)
  assert.match((await run('members', 'volumes')).stdout, /^MEMBER .*\nh1\/volume\/0 +h1 +\S+ ?s? +\{"weight":2\}\nh1\/volume\/1 +h1 .*\n$/)
  assert.deepEqual(await run('members', 'vloumes'), { code: 1, stdout: '', stderr: 'launcher: Cannot show the members of "vloumes" as there is no such group\n' })
})

test('launcher services tells which are up, and service disable and enable change what they may do', { skip }, async (t) => {
  const { store, run } = await redisStore(t)
  await createServiceRecords(store).report('h1', { zone: 'a' }, { ttlMs: 60_000 })
  assert.equal((await run('services')).code, 0)
  assert.equal((await run('service', 'disable', 'h1')).code, 2)
  assert.deepEqual(await run('service', 'disable', 'h1', '--reason', 'disks'), { code: 0, stdout: 'disabled h1: it takes no new work (disks)\n', stderr: '' })
  const [disabled] = json<ServiceJson[]>(await run('services', '--json'))
  assert.deepEqual([disabled?.id, disabled?.state, disabled?.disabledReason, disabled?.up, disabled?.record], ['h1', 'disabled', 'disks', true, { zone: 'a' }])
  assert.deepEqual(await run('service', 'enable', 'h1'), { code: 0, stdout: 'enabled h1\n', stderr: '' })
  assert.match((await run('services')).stdout, /\nh1 +up +/)
  assert.deepEqual(await run('service', 'enable', 'h9'), { code: 1, stdout: '', stderr: 'launcher: Cannot enable the service "h9" as it has never reported\n' })
  assert.deepEqual(json(await run('groups', '--json')), [])
})

test('launcher services exits with 1 when one is down', { skip }, async (t) => {
  const { store, run } = await redisStore(t)
  await createServiceRecords(store).report('h1', {}, { ttlMs: 250 })
  let outcome = await run('services')
  for (let tries = 0; tries < 20 && outcome.code === 0; tries++) outcome = await run('services')
  assert.equal(outcome.code, 1)
  assert.match(outcome.stdout, /\nh1 +down +/)
})

test('launcher locks takes the URL from the configuration, and refuses a bad one with 3, a typed one with 2', { skip }, async (t) => {
  const { server, store } = await redisStore(t)
  await acquire(store, 'lock:v', 'h1/volume/0#42.a.1')
  const folder = temporaryFolder(t)
  const file = (name: string, url: string): string => {
    const path = join(folder, name)
    writeFileSync(path, `[DEFAULT]\ncoordination_url = ${url}\n`)
    return path
  }
  assert.match((await runCommand(['locks', '--config-file', file('good.conf', server.url)])).stdout, /\nv +h1\/volume\/0 /)
  assert.match((await runCommand(['locks'], { env: { REEVE_COORDINATION_URL: server.url } })).stdout, /\nv +h1\/volume\/0 /)
  const bad = await runCommand(['locks', '--config-file', file('bad.conf', 'rdis://h')])
  assert.equal(bad.code, 3)
  assert.match(bad.stderr, /bad\.conf:2: .*coordination_url.*did you mean redis/)
  const typed = await runCommand(['locks', '--coordination', 'rdis://h'])
  assert.equal(typed.code, 2)
  assert.match(typed.stderr, /^launcher: Cannot use "--coordination" as .*\n$/)
})

test('launcher locks says in one line, with exit 1, that the store cannot be reached', async (t) => {
  const folder = temporaryFolder(t)
  for (const url of [`redis://127.0.0.1:${await freePort()}`, `embedded:${join(folder, 'none.sock')}`]) {
    const { code, stdout, stderr } = await runCommand(['locks', '--coordination', url])
    assert.deepEqual([code, stdout], [1, ''], stderr)
    assert.match(stderr, /^launcher: Cannot [^\n]+\n$/)
  }
})

test('launcher locks and its like ask the launcher of an embedded coordinator', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', fixture('web.mjs')])
  assert.deepEqual(await launcher.command('locks', '--json'), { code: 0, stdout: '[]\n', stderr: '' })
  assert.deepEqual(await launcher.command('lock', 'show', 'v'), { code: 0, stdout: 'v is free\n', stderr: '' })
  assert.equal((await launcher.command('leaders')).stdout, 'there is no leader\n')
  assert.equal((await launcher.command('groups')).stdout, 'there is no group\n')
  assert.equal((await launcher.command('members', 'g')).code, 1)
  assert.equal((await launcher.command('services')).stdout, 'no service has ever reported\n')
  assert.match((await launcher.command('service', 'enable', 'h1')).stderr, /as it has never reported/)
  assert.match((await launcher.command('lock', 'force-release', 'v', '--yes')).stderr, /as nobody holds it/)
})

const HOLDS_A_LOCK = `
export default (context) => ({
  async start() { this.held = await context.coordinator.lock('v').acquire() },
  async stop() { await this.held.release() },
})`

test('launcher lock shows and takes what a worker holds in its embedded coordinator', async (t) => {
  const launcher = await startReady(t, (folder) => ['--workers', '1', '--name', 'holder', join(folder, 'service.mjs')], { before: (folder) => writeFileSync(join(folder, 'service.mjs'), HOLDS_A_LOCK) })
  const [pid] = await launcher.pids()
  const [holder] = json<LockJson>(await launcher.command('lock', 'show', 'v', '--json')).holders
  assert.deepEqual([holder?.worker, holder?.pid], ['holder/0', pid])
  const { code, stdout } = await launcher.command('lock', 'force-release', 'v', '--yes', '--reason', 'test', '--json')
  const released = JSON.parse(stdout) as { released: { fence: string }[]; lockDelayMs: number; by: string }
  assert.deepEqual([code, released.released.map(({ fence }) => fence), released.lockDelayMs, released.by], [0, [holder?.fence], 0, `${WHO} (test)`])
  assert.match((await launcher.command('lock', 'show', 'v')).stdout, /forced by .* \(test\)/)
})

test('launcher locks without a launcher says so', async (t) => {
  const { code, stderr } = await runCommand(['locks'], { env: { XDG_RUNTIME_DIR: temporaryFolder(t) } })
  assert.deepEqual([code, stderr], [1, 'launcher: Cannot reach a launcher as none is running here; one elsewhere is reached by --control PATH\n'])
})

const wrong: readonly (readonly [readonly string[], RegExp])[] = [
  [['lock'], /there is only: show, force-release/],
  [['lock', 'steal', 'v'], /there is only: show, force-release/],
  [['lock', 'show'], /the name of a lock is missing/],
  [['lock', 'show', 'a', 'b', 'c'], /nothing more was expected/],
  [['lock', 'force-release', 'v', '--yes', '--lock-delay', 'soon'], /--lock-delay/],
  [['lock', 'force-release', 'v', '--yes', '--reason', 'two\nlines'], /--reason/],
  [['members'], /the name of a group is missing/],
  [['service', 'disable'], /the name of a service is missing/],
  [['service', 'stop', 'h1'], /there is only: enable, disable/],
  [['locks', '--yes'], /no such option/],
]

for (const [args, message] of wrong) {
  test(`launcher ${JSON.stringify(args.join(' '))} is a usage error`, async () => {
    const { code, stderr } = await runCommand(args)
    assert.equal(code, 2, stderr)
    assert.match(stderr, message)
  })
}
