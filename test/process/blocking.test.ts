import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { get } from '../support/http.js'
import { fixture, LISTEN, startReady } from '../support/launcher.js'
import { temporaryFolder } from '../support/temporary-folder.js'

const BLOCKS = fixture('blocks.mjs')

test('a worker whose loop was busy says for how long, and what ran meanwhile', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', '--heartbeat-interval', '100ms', ...LISTEN, BLOCKS], { env: { BLOCK: '1' } })
  const late = await launcher.waitFor('worker.loop_late')
  assert.deepEqual(late['ran'], ['timer scrub'])
  assert.ok(Number(late['ms']) >= 500)
})

test('requests over max_concurrent wait in the pool, and a drain answers them all', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', '--max-concurrent', '2', ...LISTEN, BLOCKS])
  const url = await launcher.url()
  const answers = Array.from({ length: 4 }, () => get(`${url}/?ms=400`))
  // The first pair is in work when the first answer comes; the second pair waits until then.
  await answers[0]
  launcher.signal('SIGTERM')
  const bodies = (await Promise.all(answers)).map(({ status, body }) => `${status} ${body}`)
  assert.ok(bodies.every((body) => body === '200 1' || body === '200 2'), bodies.join())
  assert.deepEqual(await launcher.exit, { code: 0, signal: null })
})

test('a thread in a native call that never ends does not keep its worker from ending', async (t) => {
  const folder = temporaryFolder(t)
  const launcher = await startReady(t, ['--workers', '1', '--native-threads', '3', ...LISTEN, BLOCKS], { env: { FIFO: join(folder, 'fifo') } })
  assert.equal((await launcher.waitFor('test.ended'))['code'], 'CALL_TIMEOUT')
  await launcher.waitFor('test.condemned')
  launcher.signal('SIGTERM')
  assert.deepEqual(await launcher.exit, { code: 0, signal: null })
  const exited = await launcher.waitFor('worker.exited')
  assert.deepEqual([exited['signal'], exited['expected']], ['SIGKILL', true])
})
