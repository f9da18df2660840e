import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasCode } from '#src/base/errors.js'
import type { LogFields } from '#src/log/fields.js'
import type { Logger } from '#src/log/logger.js'
import { LoopingCallDone } from '#src/loop/looping-call-done.js'
import { Timers } from '#src/loop/timers.js'
import { FakeClock } from '../../support/fake-clock.js'

function setUp() {
  const clock = new FakeClock()
  const drain = new AbortController()
  const told: LogFields[] = []
  const tell = (_message: string, fields: LogFields = {}): void => { told.push(fields) }
  const log: Logger = { error: tell, warn: tell, info: tell, debug: tell, trace: tell, child: () => log, isEnabled: () => true }
  return { clock, drain, told, timers: new Timers({ signal: drain.signal, log, clock }) }
}

test('Timers.add() starts a looping call', async () => {
  const { clock, timers } = setUp()
  const starts: number[] = []
  const call = timers.add('scrub', () => { starts.push(clock.now()) }, { intervalMs: 100, initialDelayMs: 50 })
  await clock.advance(260)
  assert.deepEqual(starts, [50, 150, 250])
  assert.equal(timers.get('scrub'), call)
  assert.deepEqual(timers.running, [call])
  assert.deepEqual(await timers.stop(), [])
  assert.deepEqual(timers.running, [])
})

test('Timers log a failure with the name, and go on', async () => {
  const { clock, timers, told } = setUp()
  const error = new Error('broken')
  const call = timers.add('scrub', () => { throw error }, { intervalMs: 100 })
  await clock.advance(150)
  assert.deepEqual(told, [0, 1].map(() => ({ event: 'timer.failed', timer: 'scrub', error })))
  assert.equal(call.running, true)
  await timers.stop()
})

test('Timers end a timer by its exception when asked to', async () => {
  const { clock, timers, told } = setUp()
  const call = timers.add('once', () => { throw new Error('broken') }, { intervalMs: 100, stopOnException: true })
  await clock.advance(500)
  assert.equal(told.length, 1)
  assert.equal(call.running, false)
})

test('Timers log missed starts, once for each call that overran', async () => {
  const { clock, timers, told } = setUp()
  timers.add('slow', () => clock.sleep(250), { intervalMs: 100 })
  await clock.advance(290)
  assert.deepEqual(told, [{ event: 'timer.missed', timer: 'slow', missed: 2 }])
  await timers.stop()
})

test('Timers.add() refuses a name that is in use, until its timer has ended', async () => {
  const { clock, timers } = setUp()
  timers.add('one', () => { throw new LoopingCallDone() }, { intervalMs: 100 })
  assert.throws(() => timers.add('one', () => {}, { intervalMs: 100 }), (error) => hasCode(error, 'LOOPING_CALL_RUNS'))
  await clock.advance(1)
  timers.add('one', () => {}, { intervalMs: 100 })
  await timers.stop()
})

test('a bad interval leaves the name free', async () => {
  const { timers } = setUp()
  assert.throws(() => timers.add('one', () => {}, { intervalMs: 0 }), RangeError)
  timers.add('one', () => {}, { intervalMs: 1 })
  await timers.stop()
})

test('Timers stop when the signal aborts: calls in progress see it and end, no other begins', async () => {
  const { clock, timers, drain } = setUp()
  let calls = 0
  let sawAbort = false
  timers.add('one', async (signal) => { calls++; await clock.sleep(500); sawAbort = signal.aborted }, { intervalMs: 100 })
  timers.add('idle', () => {}, { intervalMs: 1_000 })
  await clock.advance(150)
  drain.abort()
  assert.throws(() => timers.add('late', () => {}, { intervalMs: 100 }), (error) => hasCode(error, 'TIMERS_STOPPED'))
  const stopped = timers.stop()
  await clock.advance(1_000)
  assert.deepEqual(await stopped, [])
  assert.equal(sawAbort, true)
  assert.equal(calls, 1)
  assert.equal(clock.sleepers, 0)
})

test('Timers.stop() gives back the names of those that did not end by the deadline', async () => {
  const { clock, timers } = setUp()
  let finish = (): void => {}
  timers.add('stuck', () => new Promise<void>((resolve) => { finish = resolve }), { intervalMs: 100 })
  timers.add('idle', () => {}, { intervalMs: 100 })
  await clock.advance(1)
  const stopped = timers.stop(300)
  await clock.advance(301)
  assert.deepEqual(await stopped, ['stuck'])
  finish()
  assert.deepEqual(await timers.stop(), [])
})

test('Timers of an aborted signal take none', () => {
  const { timers, drain } = setUp()
  drain.abort()
  assert.throws(() => timers.add('late', () => {}, { intervalMs: 100 }), (error) => hasCode(error, 'TIMERS_STOPPED'))
})

test('Timers.addDynamic() and addBackOff() start loops of their kinds, which go on after a failure', async () => {
  const { clock, timers, told } = setUp()
  const starts: Record<string, number[]> = { dynamic: [], backOff: [] }
  timers.addDynamic('dynamic', () => {
    starts['dynamic']?.push(clock.now())
    if (starts['dynamic']?.length === 1) throw new Error('broken')
    return 500
  })
  const backOff = timers.addBackOff('back-off', () => { starts['backOff']?.push(clock.now()) }, { jitter: 1, timeoutMs: 3_000, startingIntervalMs: 500, maxIntervalMs: 1_000, minIntervalMs: 1_000 })
  await clock.advance(2_200)
  assert.deepEqual(starts, { dynamic: [0, 1_000, 1_500, 2_000], backOff: [0, 1_000, 2_000] })
  await clock.advance(3_000)
  assert.equal(backOff.running, false)
  assert.deepEqual(told.map(({ timer }) => timer), ['dynamic', 'back-off'])
  assert.deepEqual(await timers.stop(), [])
  assert.throws(() => timers.addDynamic('late', () => 1), (error) => hasCode(error, 'TIMERS_STOPPED'))
  assert.equal(clock.sleepers, 0)
})
