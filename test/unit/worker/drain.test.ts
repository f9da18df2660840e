import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { systemClock } from '#src/base/clock.js'
import { Timers } from '#src/loop/timers.js'
import { Drain, type DrainParts } from '#src/worker/drain.js'
import { Servers } from '#src/worker/servers.js'
import { Tasks } from '#src/worker/tasks.js'
import { keepingLogger } from '../../support/log.js'

interface Made {
  readonly parts: DrainParts
  readonly lines: string[]
  readonly tasks: Tasks
}

function parts(context: TestContext, given: Partial<DrainParts> = {}): Made {
  const lines: string[] = []
  const [servers, tasks] = [new Servers(), new Tasks(systemClock)]
  servers.install()
  context.after(() => servers.uninstall())
  return { lines, tasks, parts: { servers, tasks, timers: undefined, pool: undefined, log: keepingLogger(lines), stopService: undefined, keepAliveGraceMs: 1, timeoutMs: 60_000, ...given } }
}

function forEver(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }))
}

test('Drain.run() of nothing is clean at once, and leaves no timer behind', async (context) => {
  const timers = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
  const before = timers()
  const { parts: made, lines } = parts(context)
  assert.equal(await new Drain(made).run(), true)
  assert.deepEqual(lines, [])
  assert.equal(timers(), before)
})

test('Drain.run() waits for stop() of the service, which may begin tasks, and for these', async (context) => {
  const order: string[] = []
  const made = parts(context, {
    stopService: async () => {
      await sleep(5)
      void made.tasks.track('flush', async () => {
        await sleep(10)
        order.push('flushed')
      })
      order.push('stopped')
    },
  })
  assert.equal(await new Drain(made.parts).run(), true)
  assert.deepEqual(order, ['stopped', 'flushed'])
})

test('Drain.run() begins with the servers: what stop() closes is closed gently', async (context) => {
  const server = net.createServer()
  const { parts: made } = parts(context, { stopService: () => new Promise((resolve) => { server.close(() => resolve()) }) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  assert.equal(await new Drain(made).run(), true)
  assert.equal(server.listening, false)
})

test('Drain.run() waits for the call of a timer that is in progress', async (context) => {
  const stop = new AbortController()
  const { parts: made, lines } = parts(context)
  const timers = new Timers({ signal: stop.signal, log: made.log })
  let done = false
  timers.add('scrub', async () => {
    await sleep(20)
    done = true
  }, { intervalMs: 60_000 })
  await sleep(5)
  stop.abort()
  await new Drain({ ...made, timers }).run()
  assert.equal(done, true)
  assert.deepEqual(lines, [])
})

const failures: readonly (readonly [string, () => Promise<void> | void, string])[] = [
  ['rejects', () => Promise.reject(new Error('disk full')), 'disk full'],
  ['throws', () => { throw new Error('disk full') }, 'disk full'],
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
  ['rejects with nothing', () => Promise.reject(), 'stop() of the service failed without a reason'],
]

for (const [what, stopService, reason] of failures) {
  test(`Drain.run() is not clean when stop() ${what}, and says so`, async (context) => {
    const { parts: made, lines } = parts(context, { stopService })
    assert.equal(await new Drain(made).run(), false)
    assert.deepEqual(lines, [`error the service could not stop: ${reason}`])
  })
}

test('Drain says shortly before the deadline what would not end, aborts tasks, cuts connections, and is clean if that was all', async (context) => {
  const { parts: made, lines, tasks } = parts(context, { timeoutMs: 50 })
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const connected = once(server, 'connection')
  const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1').on('error', () => {})
  await connected
  const task = assert.rejects(tasks.track('flatten', forEver), { code: 'WORKER_STOPPING' })
  const start = performance.now()
  assert.equal(await new Drain(made).run(), true)
  assert.ok(performance.now() - start >= 36)
  await task
  client.destroy()
  assert.deepEqual(lines, ['error would not end: 1 open connection, task flatten (0.0 s)'])
})

test('Drain names stop() of the service and timers among what would not end', async (context) => {
  let end = (): void => {}
  const { parts: made, lines } = parts(context, { timeoutMs: 20, stopService: () => new Promise((resolve) => { end = resolve }) })
  const timers = new Timers({ signal: new AbortController().signal, log: made.log })
  timers.add('scrub', async () => { await sleep(60) }, { intervalMs: 60_000 })
  const run = new Drain({ ...made, timers }).run()
  await sleep(40)
  assert.deepEqual(lines, ['error would not end: timer scrub, stop() of the service'])
  end()
  await run
})

test('Drain.extend() moves the last words', async (context) => {
  const { parts: made, lines, tasks } = parts(context, { timeoutMs: 30 })
  const drain = new Drain(made)
  drain.extend(60_000)
  const run = drain.run()
  void tasks.track('short', () => sleep(60))
  await run
  assert.deepEqual(lines, [])
})

test('Drain has no last words where the time is without end', async (context) => {
  const { parts: made, lines, tasks } = parts(context, { timeoutMs: 0 })
  void tasks.track('short', () => sleep(20))
  assert.equal(await new Drain(made).run(), true)
  assert.deepEqual(lines, [])
})
