import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { condemnedThreads } from '#src/tpool/condemned.js'
import { ThreadPool } from '#src/tpool/thread-pool.js'
import { withOptions } from '#src/tpool/remote-module.js'
import { until } from '../../support/processes.js'
import { temporaryFolder } from '../../support/temporary-folder.js'
import { blockingPool, Gate } from './blocking-pool.js'

describe('ThreadPool.proxy()', () => {
  test('runs functions of a module in a thread', async (context) => {
    const { remote } = await blockingPool(context, { threads: 2 })
    assert.equal(await remote.add(1, 2), 3)
    assert.equal(await remote.later('x'), 'x')
    assert.notEqual(await remote.thread(), 0)
  })

  test('gives functions that can be taken from it, and values as promises', async (context) => {
    const { remote } = await blockingPool(context, { threads: 1 })
    const { add } = remote
    assert.equal(await add(2, 2), 4)
    assert.equal(await remote.VERSION, '1.2.3')
    assert.equal('missing' in remote, false)
  })

  test('rejects with what loading the module throws', async (context) => {
    const pool = new ThreadPool({ threads: 1 })
    context.after(() => pool.close())
    await assert.rejects(pool.proxy(new URL('./missing.js', import.meta.url)), { code: 'ERR_MODULE_NOT_FOUND' })
  })

  test('runs inline what is named, in the thread of the caller', async (context) => {
    const { pool, remote } = await blockingPool(context, { threads: 1 }, { inline: ['thread'] })
    assert.equal(await remote.thread(), 0)
    assert.equal(pool.stats().functions['blocking.thread'], undefined)
    await assert.rejects(pool.proxy(new URL('../../fixtures/tpool/blocking.js', import.meta.url), { inline: ['VERSION'] }), { code: 'EXPORT_NOT_FOUND' })
  })

  test('keeps the async context of the caller across a call', async (context) => {
    const { remote } = await blockingPool(context, { threads: 1 })
    const storage = new AsyncLocalStorage<number>()
    const seen = await Promise.all([1, 2, 3].map((each) => storage.run(each, async () => {
      await remote.noop()
      return storage.getStore()
    })))
    assert.deepEqual(seen, [1, 2, 3])
  })
})

describe('an error of a thread', () => {
  test('is whole: code, details, cause, parts and both stacks', async (context) => {
    const { remote } = await blockingPool(context, { threads: 1 })
    const error = await remote.fail().catch((thrown: unknown) => thrown) as Error & { code: string; details: object; cause: AggregateError }
    assert.equal(error.name, 'CodedError')
    assert.equal(error.message, 'Cannot remove')
    assert.equal(error.code, 'RBD_BUSY')
    assert.deepEqual(error.details, { image: 'i1' })
    assert.ok(error.cause instanceof AggregateError)
    assert.deepEqual((error.cause.errors as Error[]).map(({ name, message }) => [name, message]), [['TypeError', 'first'], ['RangeError', 'second']])
    assert.match(error.stack ?? '', /at fail .*blocking\.js/)
  })

  test('shows the frames of the caller that awaits it', async (context) => {
    const { remote } = await blockingPool(context, { threads: 1 })
    async function theCaller(): Promise<void> {
      await remote.fail()
    }
    await assert.rejects(theCaller(), (error: Error) => /at thread tpool-1\n {4}at async theCaller/.test(error.stack ?? ''))
  })

  test('keeps its built-in class, and tells what cannot be copied as text', async (context) => {
    const { remote } = await blockingPool(context, { threads: 1 })
    await assert.rejects(remote.failOddly(), (error) => error instanceof TypeError && 'errno' in error && error.errno === -16 && 'hook' in error && error.hook === '(a function)')
  })
})

describe('arguments and results', () => {
  test('that cannot be copied are refused by number and path', async (context) => {
    const { remote } = await blockingPool(context, { threads: 1 })
    const describeIt = remote.describe as (...args: unknown[]) => Promise<string>
    await assert.rejects(describeIt(() => 1), { code: 'ARGUMENT_UNCLONEABLE', details: { argument: 1, path: '', type: 'a function' } })
    await assert.rejects(describeIt(1, Symbol('s')), { code: 'ARGUMENT_UNCLONEABLE', details: { argument: 2, path: '', type: 'a symbol' } })
    const batch = await Promise.allSettled([remote.add(1, 1), describeIt({ on: { progress: () => 1 } }), remote.add(2, 2)])
    assert.deepEqual(batch.map((each) => each.status === 'fulfilled' ? each.value : (each.reason as { details: unknown }).details), [2, { argument: 1, path: 'on.progress', type: 'a function' }, 4])
    await assert.rejects(remote.giveFunction(), { code: 'RESULT_UNCLONEABLE', details: { path: 'deep.fn', type: 'a function' } })
  })

  test('a Buffer stays one, and only its own bytes are sent', async (context) => {
    const { remote } = await blockingPool(context, { threads: 1 })
    assert.equal(await remote.describe(Buffer.from('abc')), '[object Uint8Array] true 3')
    const bytes = await remote.bytes(3)
    assert.ok(Buffer.isBuffer(bytes))
    assert.equal(bytes.toString(), 'xxx')
  })

  test('are moved when that is asked for', async (context) => {
    const { remote } = await blockingPool(context, { threads: 1 })
    const sent = new Uint8Array(1_000)
    assert.equal(await withOptions(remote, { transfer: [sent.buffer] }).describe(sent), '[object Uint8Array] false 1000')
    assert.equal(sent.byteLength, 0)
    assert.equal((await remote.movedBytes(500)).byteLength, 500)
    assert.equal(await remote.lastMadeLength(), 0)
    await assert.rejects(withOptions(remote, { transfer: [sent.buffer, sent.buffer] }).noop(), { code: 'ARGUMENT_UNCLONEABLE' })
  })
})

describe('ThreadPool threads', () => {
  test('are never more than its size, whatever the number of callers and proxies', async (context) => {
    const { pool, remote } = await blockingPool(context, { threads: 3 })
    const gate = new Gate()
    const other = await pool.proxy<typeof import('../../fixtures/tpool/blocking.js')>(new URL('../../fixtures/tpool/blocking.js', import.meta.url))
    const calls = Array.from({ length: 20 }, (_, i) => (i % 2 ? remote : other).waitAt(gate.words))
    await until('three calls wait', () => gate.waiting === 3)
    const { size, busy, queued } = pool.stats()
    assert.deepEqual({ size, busy, queued }, { size: 3, busy: 3, queued: 17 })
    gate.open()
    assert.equal(new Set(await Promise.all(calls)).size, 3)
  })

  test('run `init` first, and its failure reaches each caller', async (context) => {
    const module = new URL('../../fixtures/tpool/with-init.js', import.meta.url)
    type WithInit = typeof import('../../fixtures/tpool/with-init.js')
    const good = new ThreadPool({ threads: 1, init: { module, data: { value: 7 } } })
    const bad = new ThreadPool({ threads: 2, init: { module, data: { fails: true } } })
    context.after(() => Promise.all([good.close(), bad.close()]))
    assert.equal(await (await good.proxy<WithInit>(module)).value(), 7)
    const failed = await Promise.allSettled([bad.proxy(module), bad.proxy(module), bad.proxy(module)])
    for (const each of failed) {
      assert.ok(each.status === 'rejected')
      assert.equal((each.reason as { code: string }).code, 'THREAD_START_FAILED')
      assert.equal(((each.reason as Error).cause as { code: string }).code, 'NO_LIBRARY')
    }
  })

  test('that exit are replaced, and their call is told', async (context) => {
    const { pool, remote } = await blockingPool(context, { threads: 1 })
    const before = await remote.thread()
    await assert.rejects(remote.exit(), { code: 'THREAD_LOST' })
    assert.notEqual(await remote.thread(), before)
    assert.equal(pool.stats().size, 1)
  })

  test('that a native call holds are condemned, replaced and counted', async (context) => {
    const fifo = join(temporaryFolder(context), 'fifo')
    execFileSync('mkfifo', [fifo])
    const pool = new ThreadPool({ threads: 1, abortGraceMs: 50 })
    const remote = await pool.proxy<typeof import('../../fixtures/tpool/fifo.js')>(new URL('../../fixtures/tpool/fifo.js', import.meta.url))
    await assert.rejects(withOptions(remote, { timeoutMs: 100 }).readFifo(fifo), { code: 'CALL_TIMEOUT', details: { timeoutMs: 100, ran: true } })
    assert.equal(await remote.ping(), 'pong')
    assert.deepEqual([pool.stats().condemned, pool.stats().size, condemnedThreads()], [1, 1, 1])
    await pool.close()
    writeFileSync(fifo, 'x')
    await until('the condemned thread ends', () => condemnedThreads() === 0)
    assert.equal(pool.stats().condemned, 0)
  })
})

describe('ThreadPool.close()', () => {
  test('waits for calls, refuses new ones, and has objects disposed', async () => {
    const pool = new ThreadPool({ threads: 1 })
    const remote = await pool.proxy<typeof import('../../fixtures/tpool/blocking.js')>(new URL('../../fixtures/tpool/blocking.js', import.meta.url))
    const flag = new Int32Array(new SharedArrayBuffer(4))
    await remote.Flagged.create(flag)
    const last = remote.add(1, 1)
    const closed = pool.close()
    await assert.rejects(remote.add(1, 1), { code: 'POOL_CLOSED' })
    assert.equal(await last, 2)
    await closed
    assert.equal(flag[0], 1)
    assert.equal(pool.stats().size, 0)
  })

  test('rejects what is left after the grace', async () => {
    const pool = new ThreadPool({ threads: 1 })
    const remote = await pool.proxy<typeof import('../../fixtures/tpool/blocking.js')>(new URL('../../fixtures/tpool/blocking.js', import.meta.url))
    const calls = [remote.spin(), remote.noop()].map((call) => assert.rejects(call, { code: 'POOL_CLOSED' }))
    await Promise.all([...calls, pool.close({ graceMs: 20 })])
  })
})

test('ThreadPool.configure() changes options only before the first use', async (context) => {
  const pool = new ThreadPool()
  context.after(() => pool.close())
  pool.configure({ threads: 2 })
  assert.equal(pool.stats().threads, 2)
  await pool.proxy(new URL('../../fixtures/tpool/fifo.js', import.meta.url))
  assert.throws(() => pool.configure({ threads: 3 }), { code: 'POOL_STARTED' })
  assert.throws(() => new ThreadPool({ threads: 0 }), RangeError)
})

test('ThreadPool.stats() tells of each function', async (context) => {
  const { pool, remote } = await blockingPool(context, { threads: 1 })
  await remote.block(20)
  await remote.fail().catch(() => {})
  const { functions } = pool.stats()
  assert.equal(functions['blocking.block']?.count, 1)
  assert.ok((functions['blocking.block']?.runMs.p50 ?? 0) > 15)
  assert.deepEqual([functions['blocking.fail']?.count, functions['blocking.fail']?.errors], [1, 1])
})
