import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import fc from 'fast-check'
import { hasCode } from '#src/base/errors.js'
import type { Task } from '#src/queue/task.js'
import { TaskPool } from '#src/queue/task-pool.js'
import { yieldNow } from '#src/queue/yield.js'
import { FakeClock } from '../../support/fake-clock.js'

const waitsForItself = (error: unknown): boolean => hasCode(error, 'POOL_WAITS_FOR_ITSELF')

/** Tasks that run until they are told to end. */
function gates() {
  const open: (() => void)[] = []
  return { pass: () => new Promise<void>((resolve) => open.push(resolve)), open: () => { for (const each of open.splice(0)) each() } }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** What Node would say of rejections that nobody handled, while `act` runs and two turns after. */
async function unhandledDuring(act: () => Promise<unknown>): Promise<unknown[]> {
  const unhandled: unknown[] = []
  const others = process.rawListeners('unhandledRejection') as NodeJS.UnhandledRejectionListener[]
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', (error) => unhandled.push(error))
  try {
    await act()
    await settle()
  } finally {
    process.removeAllListeners('unhandledRejection')
    for (const listener of others) process.on('unhandledRejection', listener)
  }
  return unhandled
}

test('TaskPool refuses a size that is no whole number of at least 1', () => {
  for (const size of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) assert.throws(() => new TaskPool({ size }), RangeError)
  assert.equal(new TaskPool().size, 1024)
})

test('TaskPool.spawn() resolves when the task has started, and its result is the outcome', async () => {
  const pool = new TaskPool()
  const task = await pool.spawn(async (a: number, b: number) => a + b, 1, 2)
  assert.equal(await task.result, 3)
  const failed = await pool.spawn(function flatten() { throw new Error('broken') })
  assert.equal(failed.name, 'flatten')
  await assert.rejects(failed.result, /broken/)
  assert.equal(failed.settled, true)
})

test('TaskPool.spawn() waits while the pool is full, and spawns are served in their order', async () => {
  const pool = new TaskPool({ size: 2 })
  const gate = gates()
  const started: number[] = []
  const spawns = [1, 2, 3, 4, 5].map((id) => pool.spawn((own: number) => { started.push(own); return gate.pass() }, id))
  await settle()
  assert.deepEqual(started, [1, 2])
  assert.deepEqual([pool.running, pool.free, pool.waiting], [2, 0, 3])
  gate.open()
  await settle()
  assert.deepEqual(started, [1, 2, 3, 4])
  gate.open()
  await settle()
  gate.open()
  await Promise.all(spawns)
  await pool.waitAll()
  assert.deepEqual([pool.running, pool.free, pool.waiting], [0, 2, 0])
})

test('TaskPool.spawnWith() leaves the line when its signal aborts, and leaves no listener', async () => {
  const pool = new TaskPool({ size: 1 })
  const gate = gates()
  await pool.spawn(gate.pass)
  const stop = new AbortController()
  const spawn = pool.spawnWith({ signal: stop.signal }, () => assert.fail('it must not start'))
  const other = pool.spawn(() => 'other')
  stop.abort(new Error('enough'))
  await assert.rejects(spawn, /enough/)
  await assert.rejects(pool.spawnWith({ signal: stop.signal }, () => assert.fail()), /enough/)
  gate.open()
  assert.equal(await (await other).result, 'other')
  assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
})

test('TaskPool tells onError once of a failure for which nobody asks', async () => {
  const told: unknown[] = []
  const pool = new TaskPool({ onError: (error, task) => told.push([error, task.name]) })
  const error = new Error('broken')
  const unhandled = await unhandledDuring(async () => {
    const task = await pool.spawn(async function scrub() { throw error })
    await settle()
    assert.deepEqual(told, [[error, 'scrub']])
    await assert.rejects(task.result, error)
    await pool.spawnN(async function clone() { throw error })
  })
  assert.deepEqual(told, [[error, 'scrub'], [error, 'clone']])
  assert.deepEqual(unhandled, [])
  assert.deepEqual(pool.statistics().failed, 2)
})

test('TaskPool tells nobody of a failure for which the caller has asked', async () => {
  const pool = new TaskPool({ onError: () => assert.fail('somebody has asked') })
  const unhandled = await unhandledDuring(async () => {
    for (const fn of [() => { throw new Error('at once') }, async () => { throw new Error('soon') }, async () => { await yieldNow(); throw new Error('later') }]) {
      await assert.rejects((await pool.spawn(fn)).result)
    }
  })
  assert.deepEqual(unhandled, [])
})

test('TaskPool without onError leaves such a failure as one unhandled rejection', async () => {
  const pool = new TaskPool()
  const error = new Error('broken')
  const unhandled = await unhandledDuring(async () => {
    await pool.spawnN(async () => { throw error })
    await (await pool.spawn(async () => 'well')).result
  })
  assert.deepEqual(unhandled, [error])
})

test('TaskPool leaves a failure of onError itself as an unhandled rejection', async () => {
  const failure = new Error('onError is broken')
  const pool = new TaskPool({ onError: () => { throw failure } })
  assert.deepEqual(await unhandledDuring(() => pool.spawnN(async () => { throw new Error('broken') })), [failure])
})

test('TaskPool.waitAll() waits for tasks that come meanwhile, and ends with its signal', async () => {
  const pool = new TaskPool({ size: 1 })
  const gate = gates()
  const stop = new AbortController()
  void pool.spawnN(gate.pass)
  void pool.spawnN(gate.pass)
  const all = pool.waitAll().then(() => pool.running)
  const left = pool.waitAll({ signal: stop.signal })
  stop.abort(new Error('enough'))
  await assert.rejects(left, /enough/)
  gate.open()
  await settle()
  assert.equal(pool.running, 1)
  gate.open()
  assert.equal(await all, 0)
  await pool.waitAll()
})

test('TaskPool.waitAll() rejects inside a task of the pool, and not in one that has ended or in another pool', async () => {
  const [pool, other] = [new TaskPool({ name: 'volumes' }), new TaskPool()]
  const inside = await pool.spawn(async () => { await yieldNow(); await pool.waitAll() })
  await assert.rejects(inside.result, { code: 'POOL_WAITS_FOR_ITSELF', message: /the pool "volumes"/ })
  await (await other.spawn(() => pool.waitAll())).result
  let after: Promise<void> | undefined
  await (await pool.spawn(() => { setImmediate(() => { after = pool.waitAll() }) })).result
  await settle()
  await after
  assert.ok(after)
})

test('TaskPool.spawn() rejects when every running task would wait for room in its own pool', async () => {
  const pool = new TaskPool({ size: 2 })
  const nested = async (): Promise<string> => {
    await yieldNow()
    return (await pool.spawn(() => 'inner')).result
  }
  const outer = await Promise.all([pool.spawn(nested), pool.spawn(nested)])
  const results = await Promise.allSettled(outer.map((task) => task.result))
  assert.deepEqual(results.map(({ status }) => status), ['fulfilled', 'rejected'])
  assert.ok(results[1]?.status === 'rejected' && waitsForItself(results[1].reason))
  await pool.waitAll()
})

test('TaskPool.spawn() sees that wait also when the last free task ends after the pool has shrunk', async () => {
  const pool = new TaskPool({ size: 2 })
  const gate = gates()
  await pool.spawn(gate.pass)
  const outer = await pool.spawn(async () => { await pool.spawn(() => 'inner') })
  pool.resize(1)
  gate.open()
  await assert.rejects(outer.result, waitsForItself)
  await pool.waitAll()
})

test('TaskPool.spawnN() from inside a full pool stands in line without waiting', async () => {
  const pool = new TaskPool({ size: 2 })
  const [seen, atOnce] = [new Set<number>(), [] as number[]]
  const crawl = async (page: number): Promise<void> => {
    seen.add(page)
    atOnce.push(pool.running)
    await yieldNow()
    for (const link of [2 * page, 2 * page + 1]) if (link < 64) await pool.spawnN(crawl, link)
  }
  await pool.spawnN(crawl, 1)
  await pool.waitAll()
  assert.equal(seen.size, 63)
  assert.equal(Math.max(...atOnce), 2)
})

test('TaskPool.resize() lets more in at once, and lets fewer in as tasks end', async () => {
  const pool = new TaskPool({ size: 1 })
  const gate = gates()
  for (let i = 0; i < 6; i++) void pool.spawnN(gate.pass)
  pool.resize(3)
  await settle()
  assert.deepEqual([pool.running, pool.waiting], [3, 3])
  pool.resize(1)
  assert.equal(pool.free, -2)
  gate.open()
  await settle()
  assert.deepEqual([pool.running, pool.waiting], [1, 2])
  assert.throws(() => pool.resize(0), RangeError)
  pool.resize(6)
  await settle()
  gate.open()
  await pool.waitAll()
})

test('TaskPool.abort() aborts the signals of its tasks, turns away those who wait, and tells nobody', async () => {
  const pool = new TaskPool({ size: 2, name: 'volumes', onError: () => assert.fail('it was asked to end') })
  const untilAborted = ({ signal }: Task<unknown>): Promise<void> => new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error))
  })
  const tasks = await Promise.all([pool.spawn(untilAborted), pool.spawn(untilAborted)])
  const waiting = pool.spawn(() => assert.fail('it must not start'))
  const results = Promise.allSettled([waiting, tasks[0].result])
  pool.abort()
  for (const result of await results) assert.ok(result.status === 'rejected' && hasCode(result.reason, 'POOL_ABORTED'))
  await pool.waitAll()
  await settle()
  assert.deepEqual([pool.statistics().aborted, pool.statistics().failed], [2, 0])
  assert.equal(await (await pool.spawn(() => 'goes on')).result, 'goes on')
})

test('TaskPool runs a task that waited in the asynchronous context of its spawn', async () => {
  const context = new AsyncLocalStorage<string>()
  const pool = new TaskPool({ size: 1 })
  const seen = await Promise.all(['a', 'b', 'c'].map((name) => context.run(name, async () => (await pool.spawn(async () => { await yieldNow(); return context.getStore() })).result)))
  assert.deepEqual(seen, ['a', 'b', 'c'])
})

test('TaskPool.statistics() and tasks() tell what is needed to name a task that does not end', async () => {
  const clock = new FakeClock()
  const pool = new TaskPool({ size: 1, clock })
  const gate = gates()
  await pool.spawnWith({ name: 'flatten v1' }, gate.pass)
  void pool.spawnN(gate.pass)
  await clock.advance(250)
  assert.deepEqual(pool.tasks(), [{ name: 'flatten v1', runningMs: 250 }])
  gate.open()
  await settle()
  gate.open()
  await pool.waitAll()
  const { timeWaiting, ...counts } = pool.statistics()
  assert.deepEqual(counts, { spawned: 2, succeeded: 2, failed: 0, aborted: 0, highestRunning: 1, highestWaiting: 1 })
  assert.equal(timeWaiting.maxMs, 250)
})

test('TaskPool runs never more than its size, loses no task, and does not hang, whatever is spawned, resized and aborted', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('spawn', 'fail', 'nested', 'follow-up', 'turn', 'give up') },
    { weight: 1, arbitrary: fc.constantFrom('abort', 'grow', 'shrink') },
  )
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
    const told: unknown[] = []
    const pool = new TaskPool({ size: 2, onError: (error) => told.push(error) })
    const counts = { started: 0, ended: 0, failures: 0 }
    const spawns: Promise<unknown>[] = []
    const stops: AbortController[] = []
    const body = async (kind: string): Promise<void> => {
      counts.started++
      try {
        await yieldNow()
        if (kind === 'fail') throw new Error('broken')
        if (kind === 'nested') await (await pool.spawn(body, 'spawn')).result
        if (kind === 'follow-up') await pool.spawnN(body, 'spawn')
      } catch (error) {
        counts.failures++
        throw error
      } finally {
        counts.ended++
      }
    }
    const act = async (kind: (typeof steps)[number]): Promise<void> => {
      if (kind === 'turn') return yieldNow()
      if (kind === 'abort') return pool.abort()
      if (kind === 'grow' || kind === 'shrink') return pool.resize(kind === 'grow' ? 3 : 1)
      if (kind === 'give up') return stops.pop()?.abort()
      const stop = new AbortController()
      stops.push(stop)
      spawns.push(pool.spawnWith({ signal: stop.signal }, body, kind).then(() => {}, () => {}))
    }
    for (const each of steps) {
      await act(each)
      assert.ok(pool.running <= 3)
    }
    await pool.waitAll()
    await Promise.all(spawns)
    await settle()
    assert.equal(counts.started, counts.ended)
    const { spawned, succeeded, failed, aborted } = pool.statistics()
    assert.equal(spawned, counts.started)
    // A task that passes on the reason with which abort() turned its own spawn away has ended as it was asked to.
    assert.equal(failed + aborted, counts.failures)
    assert.ok(aborted === 0 || steps.includes('abort'))
    assert.equal(succeeded, spawned - failed - aborted)
    assert.ok(told.length <= failed)
    assert.deepEqual([pool.running, pool.waiting], [0, 0])
  }), { numRuns: 60, examples: [[['nested', 'nested', 'turn', 'abort']], [['follow-up', 'nested', 'turn', 'abort']]] })
})
