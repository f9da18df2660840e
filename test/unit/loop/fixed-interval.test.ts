import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasCode } from '#src/base/errors.js'
import { FixedIntervalLoopingCall, type FixedIntervalStart } from '#src/loop/fixed-interval.js'
import { LoopingCallDone } from '#src/loop/looping-call-done.js'
import { FakeClock } from '../../support/fake-clock.js'

test('FixedIntervalLoopingCall calls at once and then at each interval, never within start()', async () => {
  const clock = new FakeClock()
  const starts: number[] = []
  const loop = new FixedIntervalLoopingCall(() => { starts.push(clock.now()) }, { clock })
  loop.start({ intervalMs: 1_000 })
  assert.deepEqual(starts, [])
  await clock.advance(2_999)
  assert.deepEqual(starts, [0, 1_000, 2_000])
  assert.equal(loop.runs, 3)
  await loop.stop()
})

test('FixedIntervalLoopingCall waits for initialDelayMs first', async () => {
  const clock = new FakeClock()
  const starts: number[] = []
  const loop = new FixedIntervalLoopingCall(() => { starts.push(clock.now()) }, { clock })
  loop.start({ intervalMs: 1_000, initialDelayMs: 300 })
  await clock.advance(1_500)
  assert.deepEqual(starts, [300, 1_300])
  await loop.stop()
})

test('FixedIntervalLoopingCall drops the starts that an overrunning call missed, and tells once', async () => {
  const clock = new FakeClock()
  const starts: number[] = []
  const missed: number[] = []
  const work = async (): Promise<void> => {
    starts.push(clock.now())
    if (starts.length === 1) await clock.sleep(2_500)
  }
  const loop = new FixedIntervalLoopingCall(work, { clock, onMissed: (n) => missed.push(n) })
  loop.start({ intervalMs: 1_000 })
  await clock.advance(5_000)
  assert.deepEqual(starts, [0, 3_000, 4_000, 5_000])
  assert.deepEqual(missed, [2])
  assert.equal(loop.missed, 2)
  await loop.stop()
})

test("overlap 'queue' makes up one of the starts that an overrunning call missed, then keeps to the grid", async () => {
  const clock = new FakeClock()
  const starts: number[] = []
  const missed: number[] = []
  const loop = new FixedIntervalLoopingCall(async () => {
    starts.push(clock.now())
    if (starts.length === 1) await clock.sleep(3_500)
  }, { clock, onMissed: (n) => missed.push(n) })
  loop.start({ intervalMs: 1_000, overlap: 'queue' })
  await clock.advance(5_500)
  assert.deepEqual(starts, [0, 3_500, 4_000, 5_000])
  assert.deepEqual(missed, [2])
  await loop.stop()
})

test('nextInMs tells how long until the next call', async () => {
  const clock = new FakeClock()
  const loop = new FixedIntervalLoopingCall(() => clock.sleep(100), { clock })
  assert.equal(loop.nextInMs, undefined)
  loop.start({ intervalMs: 1_000, initialDelayMs: 300 })
  await clock.advance(100)
  assert.equal(loop.nextInMs, 200)
  await clock.advance(250)
  assert.equal(loop.nextInMs, undefined)
  await clock.advance(150)
  assert.equal(loop.nextInMs, 800)
  await loop.stop()
  assert.equal(loop.nextInMs, undefined)
})

test('FixedIntervalLoopingCall misses nothing by a call that lasts exactly one interval', async () => {
  const clock = new FakeClock()
  const starts: number[] = []
  const loop = new FixedIntervalLoopingCall(async () => { starts.push(clock.now()); await clock.sleep(1_000) }, { clock })
  loop.start({ intervalMs: 1_000 })
  await clock.advance(3_500)
  assert.deepEqual(starts, [0, 1_000, 2_000, 3_000])
  assert.equal(loop.missed, 0)
  assert.equal(loop.lastDurationMs, 1_000)
  const stopped = loop.stop()
  await clock.advance(1_000)
  await stopped
})

test('LoopingCallDone ends the loop with its value, true by default', async () => {
  for (const [thrown, value] of [[new LoopingCallDone(42), 42], [new LoopingCallDone(), true], [new LoopingCallDone(null), null]] as const) {
    const loop = new FixedIntervalLoopingCall(() => { throw thrown }, { onError: () => assert.fail() })
    assert.equal(await loop.start({ intervalMs: 1 }), value)
    assert.equal(await loop.wait(), value)
    assert.equal(loop.running, false)
    assert.equal(loop.runs, 1)
  }
})

test('an exception ends the loop: told, and thrown by wait()', async () => {
  const error = new Error('broken')
  const told: unknown[] = []
  const loop = new FixedIntervalLoopingCall(() => { throw error }, { onError: (e) => told.push(e) })
  const run = loop.start({ intervalMs: 1 })
  await assert.rejects(run.wait(), error)
  await assert.rejects(async () => await run, error)
  assert.deepEqual(told, [error])
  assert.equal(loop.lastError, error)
})

test('stopOnException: false goes on at the next point of the grid', async () => {
  const clock = new FakeClock()
  const starts: number[] = []
  const told: unknown[] = []
  const work = (): never => {
    starts.push(clock.now())
    throw new Error('broken')
  }
  const loop = new FixedIntervalLoopingCall(work, { clock, onError: (error) => told.push(error) })
  loop.start({ intervalMs: 1_000, stopOnException: false })
  await clock.advance(2_500)
  assert.deepEqual(starts, [0, 1_000, 2_000])
  assert.equal(told.length, 3)
  await loop.stop()
  assert.equal(await loop.wait(), true)
})

test('stop() interrupts the sleep and the initial delay, any number of times', async () => {
  for (const initialDelayMs of [0, 3_600_000]) {
    const loop = new FixedIntervalLoopingCall(() => {})
    const run = loop.start({ intervalMs: 3_600_000, initialDelayMs })
    await new Promise((resolve) => setTimeout(resolve, 5))
    await Promise.all([loop.stop(), loop.stop()])
    await loop.stop()
    assert.equal(await run, true)
    assert.equal(loop.running, false)
  }
})

test('stop() in the turn of start() lets no call begin', async () => {
  const loop = new FixedIntervalLoopingCall(() => assert.fail())
  loop.start({ intervalMs: 1 })
  await loop.stop()
  assert.equal(await loop.wait(), true)
})

test('stop() aborts the signal of the call in progress, lets it end, and drops its result', async () => {
  const clock = new FakeClock()
  let ended = false
  const work = async (signal: AbortSignal): Promise<void> => {
    await clock.sleep(500)
    ended = signal.aborted
    throw new LoopingCallDone('dropped')
  }
  const loop = new FixedIntervalLoopingCall(work, { clock })
  loop.start({ intervalMs: 100 })
  await clock.advance(250)
  assert.equal(loop.calling, true)
  const stopped = loop.stop().then(() => ended)
  await clock.advance(500)
  assert.equal(await stopped, true)
  assert.equal(await loop.wait(), true)
  assert.equal(loop.missed, 0)
})

test('stop() is not told of the abort that it caused, but of any other failure', async () => {
  const other = new Error('other')
  for (const [fail, expected] of [[(signal: AbortSignal): unknown => signal.reason, []], [() => other, [other]]] as const) {
    const told: unknown[] = []
    const work = async (signal: AbortSignal): Promise<void> => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      throw fail(signal) as Error
    }
    const loop = new FixedIntervalLoopingCall(work, { onError: (error) => told.push(error) })
    loop.start({ intervalMs: 1 })
    while (!loop.calling) await new Promise((resolve) => setImmediate(resolve))
    await loop.stop()
    assert.deepEqual(told, expected)
    assert.equal(await loop.wait(), true)
  }
})

test('start() is refused while the loop runs, and begins anew after its end', async () => {
  const loop = new FixedIntervalLoopingCall(() => { throw new LoopingCallDone() }, { name: 'twice' })
  const first = loop.start({ intervalMs: 1 })
  assert.throws(() => loop.start({ intervalMs: 1 }), (error) => hasCode(error, 'LOOPING_CALL_RUNS'))
  await first
  await loop.start({ intervalMs: 1 })
  assert.equal(loop.runs, 1)
})

test('wait() before start() is an error, stop() is not', async () => {
  const loop = new FixedIntervalLoopingCall(() => {})
  await assert.rejects(loop.wait(), (error) => hasCode(error, 'LOOPING_CALL_NOT_STARTED'))
  await loop.stop()
})

test('start() refuses intervals and delays that cannot be', () => {
  const loop = new FixedIntervalLoopingCall(() => {})
  const bad: FixedIntervalStart[] = [0, -1, Number.NaN, Number.POSITIVE_INFINITY].map((intervalMs) => ({ intervalMs }))
  bad.push(...[-1, Number.NaN, Number.POSITIVE_INFINITY].map((initialDelayMs) => ({ intervalMs: 1, initialDelayMs })))
  for (const options of bad) assert.throws(() => loop.start(options), RangeError)
  assert.equal(loop.running, false)
})

test('an interval beyond the longest timer of Node does not fire at once', async () => {
  let calls = 0
  const loop = new FixedIntervalLoopingCall(() => { calls++ })
  loop.start({ intervalMs: 2 ** 40 })
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(calls, 1)
  await loop.stop()
})

test('FixedIntervalLoopingCall never starts before its point, whatever the fraction, and does not drift', async () => {
  const intervalMs = 3.7
  const starts: number[] = []
  const work = (): void => {
    starts.push(performance.now())
    if (starts.length === 60) throw new LoopingCallDone()
  }
  const before = performance.now()
  const loop = new FixedIntervalLoopingCall(work)
  await loop.start({ intervalMs, initialDelayMs: 5 })
  const latenesses = starts.map((at, i) => at - (before + 5 + i * intervalMs))
  if (loop.missed === 0) assert.ok(Math.min(...latenesses) >= 0, `early by ${-Math.min(...latenesses)} ms`)
})

test('a jump of the wall clock changes nothing', async (context) => {
  const loop = new FixedIntervalLoopingCall(() => {
    if (loop.runs === 4) throw new LoopingCallDone()
  })
  const now = Date.now
  context.after(() => { Date.now = now })
  const before = performance.now()
  Date.now = () => now() + 3_600_000
  await loop.start({ intervalMs: 10 })
  const tookMs = performance.now() - before
  assert.ok(tookMs >= 40 && tookMs < 5_000)
})
