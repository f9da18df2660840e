import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixture, LISTEN, runCommand, startReady } from '../support/launcher.js'

const WEB = fixture('web.mjs')

test('launcher check says what would run, and runs nothing of it', async () => {
  const { code, stdout, stderr } = await runCommand(['check', '--workers', '3', fixture('modules/throws-at-import.mjs')])
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /^the configuration is valid: throws-at-import \(3 workers\)\n$/)
})

test('launcher check --boot brings one worker to ready beside a launcher that runs with the same configuration', async (t) => {
  const running = await startReady(t, ['--workers', '1', '--pid-file', 'launcher.pid', ...LISTEN, WEB])
  const port = new URL(await running.url()).port
  const { code, stdout } = await runCommand(['check', '--boot', '--workers', '2', '--control', running.controlPath, '--pid-file', 'launcher.pid', '--listen', `http=tcp://127.0.0.1:${port}`, WEB], { cwd: running.folder })
  assert.equal(code, 0)
  assert.match(stdout, /a worker of each became ready and stopped: web \(2 workers\)\n$/)
  assert.equal((await running.status()).state, 'running')
})

test("launcher check --boot finds what only the service's own code can find: exit 3 for its options, 4 for its start", async () => {
  const options = await runCommand(['check', '--boot', '--set', 'web.pool_size=0', fixture('modules/with-options.mjs')])
  assert.equal(options.code, 3)
  assert.match(options.stderr, /\[web\] pool_size/)
  const start = await runCommand(['check', '--boot', WEB], { env: { START: 'throw' } })
  assert.equal(start.code, 4)
  assert.match(start.stderr, /start\(\) failed as it was told to/)
})
