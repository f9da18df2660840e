import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { get, whoIs, type WhoAmI } from '../support/http.js'
import { fixture, LISTEN, startLauncher, startReady, type LauncherProcess } from '../support/launcher.js'
import { freePort } from '../support/ports.js'
import { isAlive } from '../support/processes.js'

const WEB = fixture('web.mjs')

test('launcher run brings slots 0 to N-1 to ready, and TERM ends every process with code 0', async (t) => {
  const launcher = await startReady(t, ['--workers', '3', ...LISTEN, WEB])
  const ready = launcher.all('worker.ready')
  assert.deepEqual(ready.map(({ workerId }) => workerId).sort(), [0, 1, 2])
  assert.ok(ready.every(({ pid }) => isAlive(pid)))
  const { workers, generation } = await whoIs(await launcher.url())
  assert.deepEqual({ workers, generation }, { workers: 3, generation: 1 })
  launcher.signal('SIGTERM')
  assert.deepEqual(await launcher.exit, { code: 0, signal: null })
  assert.deepEqual(ready.filter(({ pid }) => isAlive(pid)), [])
  assert.deepEqual(launcher.processes(), [])
})

test('launcher run --workers 8 brings eight workers to ready on a machine with fewer CPUs', async (t) => {
  const launcher = await startReady(t, ['--workers', '8', ...LISTEN, WEB])
  assert.deepEqual((await launcher.status()).workers.map(({ workerId, state }) => `${workerId} ${state}`), Array.from({ length: 8 }, (_, slot) => `${slot} ready`))
})

test('launcher run without --workers starts one worker per CPU', async (t) => {
  const launcher = await startReady(t, [...LISTEN, WEB])
  const { workersWanted } = await launcher.status()
  assert.ok(workersWanted >= 1 && workersWanted <= availableParallelism(), String(workersWanted))
})

test('launcher SERVICE is launcher run SERVICE', async (t) => {
  const launcher = startLauncher(t, ['--workers', '1', ...LISTEN, WEB], { command: [] })
  await launcher.waitFor('launcher.ready')
  await stopsCleanly(launcher)
})

test('launcher run hands what follows the module to the service as process.argv', async (t) => {
  const port = await freePort()
  await startReady(t, ['--workers', '1', fixture('modules/script.cjs'), '--workers', 'x y'], { env: { PORT: String(port) } })
  assert.equal((await get(`http://127.0.0.1:${port}`)).body, 'script --workers x y')
})

const SERVICES: readonly (readonly [kind: string, file: string, answer: RegExp])[] = [
  ['a class', 'modules/class.mjs', /^class [01]$/],
  ['a CommonJS async factory', 'modules/factory.cjs', /^factory [01]$/],
  ['a factory that a compiler made CommonJS', 'modules/compiled.cjs', /^compiled [01]$/],
]

for (const [kind, file, answer] of SERVICES) {
  test(`launcher run takes ${kind} for the service`, async (t) => {
    const launcher = await startReady(t, ['--workers', '2', ...LISTEN, fixture(file)])
    assert.match((await get(await launcher.url())).body, answer)
    await stopsCleanly(launcher)
  })
}

const PROGRAMS: readonly (readonly [kind: string, file: string, answer: string])[] = [
  ['a service object', 'modules/object.mjs', 'object'],
  ['an ES module program that listens on a port of its own', 'modules/script.mjs', 'script'],
  ['a CommonJS program that runs only as require.main', 'modules/script.cjs', 'script '],
  ['an express program', 'modules/express-app.cjs', 'express'],
]

for (const [kind, file, answer] of PROGRAMS) {
  test(`launcher run runs ${kind} unchanged in every worker`, async (t) => {
    const port = await freePort()
    const launcher = await startReady(t, ['--workers', '2', fixture(file)], { env: { PORT: String(port) } })
    assert.equal((await get(`http://127.0.0.1:${port}`)).body, answer)
    await stopsCleanly(launcher)
    await assert.rejects(get(`http://127.0.0.1:${port}`), { code: 'ECONNREFUSED' })
  })
}

test('launcher run counts a program that listens to nothing as ready half a second after it was evaluated', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', fixture('modules/silent.cjs')])
  const { afterMs } = await launcher.waitFor('worker.ready')
  assert.ok(Number(afterMs) >= 500, String(afterMs))
  await stopsCleanly(launcher)
})

test('launcher run --ready listen waits for a server that listens late', async (t) => {
  const port = await freePort()
  const launcher = await startReady(t, ['--workers', '1', '--ready', 'listen', fixture('modules/late-listener.cjs')], { env: { PORT: String(port) } })
  const { afterMs } = await launcher.waitFor('worker.ready')
  assert.ok(Number(afterMs) >= 1_200, String(afterMs))
  assert.equal((await get(`http://127.0.0.1:${port}`)).body, 'late')
})

test("launcher run takes process.send('ready') for ready", async (t) => {
  const launcher = await startReady(t, ['--workers', '1', '--ready', 'listen', fixture('modules/says-ready.cjs')])
  await stopsCleanly(launcher)
})

test('launcher run runs a TypeScript file where Node does, else refuses it with exit 4 and what to do', async (t) => {
  // Absent in Node 20; false where type stripping is switched off.
  if ('typescript' in process.features && process.features.typescript !== false) {
    return await stopsCleanly(await startReady(t, ['--workers', '2', fixture('modules/typed.ts')]))
  }
  const launcher = startLauncher(t, ['--workers', '2', fixture('modules/typed.ts')])
  assert.deepEqual(await launcher.exit, { code: 4, signal: null })
  assert.match((await launcher.waitFor('launcher.stopped')).message, /typed\.ts" as Node .* does not run TypeScript by itself: add --import tsx, or compile it/)
})

test('launcher run --pid-file writes its pid and removes the file at the end', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', '--pid-file', 'launcher.pid', ...LISTEN, WEB])
  const file = join(launcher.folder, 'launcher.pid')
  assert.equal(readFileSync(file, 'utf8'), `${launcher.pid}\n`)
  await stopsCleanly(launcher)
  assert.throws(() => readFileSync(file), { code: 'ENOENT' })
})

test('launcher run has requests answered by workers only, never by itself', async (t: TestContext) => {
  const launcher = await startReady(t, ['--workers', '2', ...LISTEN, WEB])
  const seen = new Map<number, WhoAmI>()
  for (let n = 0; n < 40; n++) {
    const who = await whoIs(await launcher.url())
    seen.set(who.pid, who)
  }
  assert.equal(seen.has(launcher.pid), false)
})

async function stopsCleanly(launcher: LauncherProcess): Promise<void> {
  launcher.signal('SIGTERM')
  assert.deepEqual(await launcher.exit, { code: 0, signal: null })
}
