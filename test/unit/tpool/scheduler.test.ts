import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { withOptions } from '#src/tpool/remote-module.js'
import { until } from '../../support/processes.js'
import { blockingPool, Gate } from './blocking-pool.js'

describe('Scheduler', () => {
  test('goes by priority, and in order within one', async (context) => {
    const { remote } = await blockingPool(context, { threads: 1, ageBoundMs: 60_000 })
    const gate = new Gate()
    const first = remote.waitAt(gate.words)
    await until('it waits', () => gate.waiting === 1)
    const done: string[] = []
    const calls = ['low', 'normal', 'high'].flatMap((name, priority) => [1, 2].map(async (n) => {
      await withOptions(remote, { priority }).noop()
      done.push(`${name} ${n}`)
    }))
    gate.open()
    await Promise.all([first, ...calls])
    assert.deepEqual(done, ['high 1', 'high 2', 'normal 1', 'normal 2', 'low 1', 'low 2'])
  })

  test('takes an aborted call out of the queue, and does not run it', async (context) => {
    const { pool, remote } = await blockingPool(context, { threads: 1 })
    const gate = new Gate()
    const first = remote.waitAt(gate.words)
    await until('it waits', () => gate.waiting === 1)
    const stop = new AbortController()
    const second = withOptions(remote, { signal: stop.signal }).mayWaitAt(gate.words, false)
    await new Promise(setImmediate)
    stop.abort(new Error('not needed'))
    await assert.rejects(second, { message: 'not needed' })
    await assert.rejects(withOptions(remote, { timeoutMs: 5 }).noop(), { code: 'CALL_TIMEOUT', details: { timeoutMs: 5, ran: false } })
    assert.equal(pool.stats().queued, 0)
    gate.open()
    await first
    await remote.noop()
    assert.equal(gate.passed, 0)
    await assert.rejects(withOptions(remote, { signal: stop.signal }).noop(), { message: 'not needed' })
  })

  test('ends the thread of an aborted call that runs, and replaces it', async (context) => {
    const { pool, remote } = await blockingPool(context, { threads: 1 })
    const before = await remote.thread()
    const stop = new AbortController()
    const gate = new Gate()
    const running = withOptions(remote, { signal: stop.signal }).waitAt(gate.words)
    const behind = remote.thread()
    await until('it waits', () => gate.waiting === 1)
    stop.abort(new Error('enough'))
    await assert.rejects(running, { message: 'enough' })
    assert.notEqual(await behind, before)
    assert.deepEqual([pool.stats().size, pool.stats().condemned], [1, 0])
  })

  test('refuses calls over `maxQueue` when it is told to', async (context) => {
    const { remote } = await blockingPool(context, { threads: 1, maxQueue: 2, whenFull: 'reject' })
    const gate = new Gate()
    const calls = [remote.waitAt(gate.words), remote.noop(), remote.noop()]
    await assert.rejects(remote.noop(), { code: 'QUEUE_FULL', details: { maxQueue: 2 } })
    gate.open()
    await Promise.all(calls)
    await remote.noop()
  })

  test('room() resolves when fewer than `maxQueue` wait', async (context) => {
    const { pool, remote } = await blockingPool(context, { threads: 1, maxQueue: 2 })
    const gate = new Gate()
    const calls = [remote.waitAt(gate.words), ...Array.from({ length: 5 }, () => remote.noop())]
    let hasRoom = false
    const room = pool.room().then(() => { hasRoom = true })
    await until('it waits', () => gate.waiting === 1)
    assert.equal(hasRoom, false)
    gate.open()
    await Promise.all([room, ...calls])
  })

  test('takes quick calls back from a thread that stalls: they run elsewhere, each once', async (context) => {
    const { pool, remote } = await blockingPool(context, { threads: 2 })
    const gate = new Gate()
    const quick = (): Promise<number> => remote.mayWaitAt(gate.words, false)
    const many = (count: number): Promise<number[]> => Promise.all(Array.from({ length: count }, quick))
    await many(100)
    await until('both threads are there', () => pool.stats().size === 2)
    await many(200)
    const passedBefore = gate.passed
    // Two that stall, one of them dealt with quick ones behind it: each of those must be done by the other thread.
    const stalls = remote.mayWaitAt(gate.words, true)
    const behind = many(100)
    assert.equal((await behind).length, 100)
    assert.equal(gate.passed, passedBefore + 100)
    assert.equal(gate.waiting, 1)
    gate.open()
    await stalls
  })

  test('keeps what was handed ahead when the call before it is aborted', async (context) => {
    const { remote } = await blockingPool(context, { threads: 1 })
    const gate = new Gate()
    for (let i = 0; i < 20; i++) await remote.mayWaitAt(gate.words, false)
    const before = gate.passed
    const stop = new AbortController()
    const stalls = withOptions(remote, { signal: stop.signal }).mayWaitAt(gate.words, true)
    const behind = Promise.all(Array.from({ length: 10 }, () => remote.mayWaitAt(gate.words, false)))
    await until('it waits', () => gate.waiting === 1)
    stop.abort(new Error('enough'))
    await assert.rejects(stalls, { message: 'enough' })
    await behind
    assert.equal(gate.passed, before + 10)
  })
})
