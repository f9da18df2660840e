import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { fixture, LISTEN, runCommand, startLauncher, startReady, type LauncherProcess } from '../support/launcher.js'
import { listener } from '../support/ports.js'

const WEB = fixture('web.mjs')

const USAGE_ERRORS: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [['--workers', '0', WEB], /--workers: .*\b0\b/],
  [['--workers', '-1', WEB], /--workers: .*-1/],
  [['--workers', 'a', WEB], /--workers: .*"?a"?/],
  [['--workers', '1.5', WEB], /--workers: .*1\.5/],
  [['--workers', WEB, '--workers'], /--workers/],
  [['--worker', '2', WEB], /"--worker" .*did you mean --workers\?/],
  [['--graceful-shutdown-time', '2', WEB], /did you mean --graceful-shutdown-timeout\?/],
  [['--listen', 'http=127.0.0.1:80', WEB], /--listen: .*neither tcp:\/\/HOST:PORT nor unix:\/PATH/],
  [['./no-such-service.js'], /"\.\/no-such-service\.js" as there is no such module: /],
  [[], /there is no service: give the path of a module/],
]

for (const [args, says] of USAGE_ERRORS) {
  const shown = args.map((arg) => arg === WEB ? 'SERVICE' : arg).join(' ') || 'without a SERVICE'
  test(`launcher run ${shown} is refused with exit 2, the rule and no fork`, async (t) => {
    const launcher = startLauncher(t, args)
    assert.deepEqual(await launcher.exit, { code: 2, signal: null })
    assertRefused(launcher, says)
  })
}

const BAD_FILES: readonly (readonly [what: string, file: string, text: string, says: RegExp])[] = [
  ['a line that is no entry', 'bad.conf', '[DEFAULT]\nworkers = 2\nthis is junk\n', /bad\.conf:3: /],
  ['a value of the wrong type', 'bad.conf', '[DEFAULT]\n# a comment\nboot_timeout = soon\n', /bad\.conf:3: \[DEFAULT\] boot_timeout .*soon/],
  ['an unknown key', 'bad.conf', '[DEFAULT]\nworker = 2\n', /bad\.conf:2: .*worker.*did you mean "?workers"?\?/],
  ['broken YAML', 'bad.yaml', 'DEFAULT:\n  workers: [1\n', /bad\.yaml:\d+/],
  ['broken JSON', 'bad.json', '{"DEFAULT": {"workers": 2},}', /bad\.json/],
]

for (const [what, file, text, says] of BAD_FILES) {
  test(`launcher run refuses a configuration file (${file}) with ${what} with exit 3 and its place`, async (t) => {
    const launcher = startLauncher(t, ['--config-file', file, WEB], { before: (folder) => writeFileSync(join(folder, file), text) })
    assert.deepEqual(await launcher.exit, { code: 3, signal: null })
    assert.match(launcher.stderr, says)
  })
}

test('launcher run refuses a configuration file that is not there with exit 3', async (t) => {
  const launcher = startLauncher(t, ['--config-file', 'none.conf', WEB])
  assert.deepEqual(await launcher.exit, { code: 3, signal: null })
  assertRefused(launcher, /none\.conf/)
})

test("launcher run ends with exit 3 at the first worker when the service's own options are not valid", async (t) => {
  const launcher = startLauncher(t, ['--workers', '2', '--set', 'web.pool_size=0', fixture('modules/with-options.mjs')])
  assert.deepEqual(await launcher.exit, { code: 3, signal: null })
  assert.match((await launcher.waitFor('launcher.stopped')).message, /--set: \[web\] pool_size .*0/)
  assert.equal(launcher.all('worker.starting').length, 2)
})

test('launcher run gives the service the options that it declares', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', '--set', 'web.pool_size=7', fixture('modules/with-options.mjs')])
  assert.deepEqual((await launcher.waitFor('test.started'))['web'], { greeting: 'hello', poolSize: 7 })
})

test('launcher run refuses a port in use with exit 1, one line and no fork', async (t) => {
  const other = await listener()
  t.after(() => other.close())
  const { port } = other.address() as AddressInfo
  const launcher = startLauncher(t, ['--listen', `tcp://127.0.0.1:${port}`, WEB])
  assert.deepEqual(await launcher.exit, { code: 1, signal: null })
  assertRefused(launcher, new RegExp(`"tcp://127.0.0.1:${port}" as somebody else listens there already: EADDRINUSE`))
})

test('launcher run refuses the pid file of a living launcher with exit 1 and no fork', async (t) => {
  const first = await startReady(t, ['--workers', '1', '--pid-file', 'launcher.pid', ...LISTEN, WEB])
  const second = startLauncher(t, ['--pid-file', join(first.folder, 'launcher.pid'), ...LISTEN, WEB])
  assert.deepEqual(await second.exit, { code: 1, signal: null })
  assertRefused(second, new RegExp(`launcher\\.pid" as the launcher that wrote it is running: pid ${first.pid}`))
})

test('launcher run takes over the pid file of a launcher that is dead', async (t) => {
  const dead = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await once(dead, 'exit')
  const launcher = startLauncher(t, ['--workers', '1', '--pid-file', 'launcher.pid', ...LISTEN, WEB], { before: (folder) => writeFileSync(join(folder, 'launcher.pid'), `${dead.pid}\n`) })
  await launcher.waitFor('launcher.ready')
})

test('launcher run refuses the control socket of a living launcher with exit 1 and no fork', async (t) => {
  const first = await startReady(t, ['--workers', '1', ...LISTEN, WEB])
  const second = startLauncher(t, ['--control', first.controlPath, ...LISTEN, WEB])
  assert.deepEqual(await second.exit, { code: 1, signal: null })
  assertRefused(second, /control\.sock" as another launcher answers on it/)
  assert.equal((await first.status()).state, 'running')
})

test('launcher run takes over the control socket of a launcher that is dead', async (t) => {
  const first = await startReady(t, ['--workers', '1', ...LISTEN, WEB])
  first.signal('SIGKILL')
  await first.exit
  const second = await startReady(t, ['--workers', '1', '--control', first.controlPath, ...LISTEN, WEB])
  assert.equal((await second.command('status', '--control', first.controlPath)).code, 0)
})

/** What cannot boot, and what of the service's own error must be seen. */
const BOOT_FAILURES: readonly (readonly [what: string, file: string, env: Record<string, string>, says: RegExp])[] = [
  ['throws when it is imported', 'modules/throws-at-import.mjs', {}, /no database today[^]*at openTheDatabase .*throws-at-import\.mjs:2/],
  ['throws in start()', 'web.mjs', { START: 'throw' }, /start\(\) failed as it was told to[^]*at .*web\.mjs:\d+/],
  ['is an ES module with a syntax error', 'modules/syntax-error.mjs', {}, /^\/.*syntax-error\.mjs:1\n.*start\( }\)\n +\^\n[^]*SyntaxError/],
  ['is a CommonJS module with a syntax error', 'modules/syntax-error.cjs', {}, /^\/.*syntax-error\.cjs:1\n.*start\( }\)\n +\^\n[^]*SyntaxError/],
  ['imports what is not exported', 'modules/bad-import.mjs', {}, /^file:\/\/.*bad-import\.mjs:1\n[^]*does not provide an export named 'nothing'/],
  ['makes something without start()', 'modules/no-service.mjs', {}, /no-service\.mjs" as what its default export makes has no method "start"/],
  ['leaves a rejection unhandled while it starts', 'modules/rejects-unhandled.mjs', {}, /rejected while starting[^]*rejects-unhandled\.mjs:4/],
]

for (const [what, file, env, says] of BOOT_FAILURES) {
  test(`launcher run ends with exit 4 and the service's own stack when the service ${what}`, async (t) => {
    const begin = performance.now()
    const launcher = startLauncher(t, ['--workers', '2', ...LISTEN, fixture(file)], { env })
    assert.deepEqual(await launcher.exit, { code: 4, signal: null })
    const failed = launcher.all('worker.failed').concat(launcher.all('worker.uncaught'))[0]
    assert.match((failed?.['error'] as { stack: string }).stack, says)
    const forks = launcher.all('worker.starting').length
    assert.ok(forks >= 3 && forks <= 5, `${forks} forks`)
    assert.ok(performance.now() - begin < 15_000)
    assert.match((await launcher.waitFor('launcher.stopped')).message, /no worker became ready in 3 attempts: /)
  })
}

const OLD_MACHINES: readonly (readonly [what: string, preload: string, says: RegExp])[] = [
  ['Windows', 'pretend-windows.cjs', /^launcher does not run on Windows: .*\n$/],
  ['a Node that is too old', 'pretend-node-18.cjs', /^launcher needs Node 20 or later, and this is 18\.20\.4\n$/],
]

for (const [what, preload, says] of OLD_MACHINES) {
  test(`launcher refuses ${what} with one line`, async () => {
    const { code, stderr, stdout } = await runCommand(['run', WEB], { nodeOptions: ['--require', fixture(preload)] })
    assert.match(stderr, says)
    assert.equal(stdout, '')
    assert.equal(code, 2)
  })
}

/** One complaint of one line, to which a fault of the configuration adds a line of its own; and nothing was forked. */
function assertRefused(launcher: LauncherProcess, says: RegExp): void {
  const complaint = launcher.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'))
  assert.match(complaint[0] ?? '', /^launcher: Cannot /)
  assert.equal(complaint.length, complaint[0]?.endsWith(':') ? 2 : 1, launcher.stderr)
  assert.match(complaint.join('\n'), says)
  assert.deepEqual(launcher.all('worker.starting'), [])
}
