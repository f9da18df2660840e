import assert from 'node:assert/strict'
import { once, EventEmitter } from 'node:events'
import { test } from 'node:test'
import { hasCode } from '#src/base/errors.js'
import type { LogFields } from '#src/log/fields.js'
import type { Logger } from '#src/log/logger.js'
import type { CronTaskContext, CronTaskFunction, CronTaskOptions } from '#src/loop/cron/cron-options.js'
import { CronTasks } from '#src/loop/cron/cron-tasks.js'
import { LoopingCallDone } from '#src/loop/looping-call-done.js'
import { FakeClock } from '../../../support/fake-clock.js'

const EPOCH = Date.parse('2026-05-04T10:00:00Z')

function setUp() {
  const clock = new FakeClock()
  const wall = { offsetMs: EPOCH }
  const told: LogFields[] = []
  const tell = (_message: string, fields: LogFields = {}): void => { told.push(fields) }
  const log: Logger = { error: tell, warn: tell, info: tell, debug: tell, trace: tell, child: () => log, isEnabled: () => true }
  const cron = new CronTasks({ name: 'test', log, clock, wallClock: () => wall.offsetMs + clock.now() })
  return { clock, wall, told, cron }
}

/** Schedules `fn` behind a record of its fires: seconds after the start of the test. */
function record(cron: CronTasks, expression: string, options: CronTaskOptions = {}, fn: CronTaskFunction = () => {}) {
  const fires: number[] = []
  const contexts: CronTaskContext[] = []
  const task = cron.schedule(expression, async (signal, context) => {
    fires.push((context.fireTime.getTime() - EPOCH) / 1_000)
    contexts.push(context)
    return await fn(signal, context)
  }, { name: 'task', ...options })
  return { fires, contexts, task }
}

test('CronTasks run a task at each fire, with its time', async () => {
  const { clock, cron } = setUp()
  const { fires, contexts, task } = record(cron, '*/20 * * * * *')
  await clock.advance(61_000)
  assert.deepEqual(fires, [20, 40, 60])
  assert.deepEqual(contexts[0], { fireTime: new Date(EPOCH + 20_000), missed: 0, madeUp: false })
  assert.deepEqual(task.next(2).map(String), [EPOCH + 80_000, EPOCH + 100_000].map((time) => String(new Date(time))))
  assert.equal(task.next(1, new Date(EPOCH + 600_000))[0]?.getTime(), EPOCH + 620_000)
  const { runs, nextInMs, lastFire, missed } = task.status()
  assert.deepEqual([runs, nextInMs, lastFire, missed], [3, 19_000, new Date(EPOCH + 60_000), 0])
  await cron.stop()
  assert.equal(clock.sleepers, 0)
})

test('a fire that is longer away than a timer may wait comes at its time', async () => {
  const { clock, cron } = setUp()
  const { fires } = record(cron, '0 10 5 * *')
  await clock.advance(86_400_000 - 1)
  assert.deepEqual(fires, [])
  await clock.advance(1)
  assert.deepEqual(fires, [86_400])
  await cron.stop()
})

test('a fire that falls into a run is dropped and told, unless overlap is allowed', async () => {
  const { clock, cron, told } = setUp()
  const { fires, task } = record(cron, '*/10 * * * * *', {}, () => clock.sleep(25_000))
  await clock.advance(50_000)
  assert.deepEqual(fires, [10, 40])
  assert.equal(task.status().skipped, 3)
  assert.deepEqual(told[0], { event: 'cron.skipped', task: 'task', why: 'here', fireTime: new Date(EPOCH + 20_000).toISOString() })
  const both = record(cron, '*/10 * * * * *', { name: 'both', noOverlap: false }, () => clock.sleep(25_000))
  await clock.advance(20_000)
  assert.equal(both.task.status().running, 2)
  const stopped = cron.stop()
  await clock.advance(60_000)
  await stopped
})

test('fires that were missed are counted and told, and not made up', async () => {
  const { clock, wall, cron, told } = setUp()
  const { fires, task } = record(cron, '*/10 * * * * *')
  await clock.advance(5_000)
  wall.offsetMs += 43_000
  await clock.advance(5_000)
  assert.deepEqual(fires, [])
  assert.equal(task.status().missed, 5)
  assert.deepEqual(told, [{ event: 'cron.missed', task: 'task', missed: 5, madeUp: false }])
  await clock.advance(7_000)
  assert.deepEqual(fires, [60])
  await cron.stop()
})

test('missed fires are made up once when asked, unless they are too long ago', async () => {
  const { clock, wall, cron } = setUp()
  const recent = record(cron, '*/10 * * * * *', { makeUpMissed: true })
  const old = record(cron, '*/10 * * * * *', { name: 'old', makeUpMissed: true, makeUpWithinMs: 2_000 })
  await clock.advance(5_000)
  wall.offsetMs += 43_000
  await clock.advance(5_000)
  assert.deepEqual(recent.fires, [50])
  assert.deepEqual(recent.contexts[0], { fireTime: new Date(EPOCH + 50_000), missed: 5, madeUp: true })
  assert.deepEqual([recent.task.status().madeUp, old.fires], [1, []])
  await cron.stop()
})

test('a machine that slept is seen by the wall clock, without waiting for the timer', async () => {
  const { clock, wall, cron } = setUp()
  const { fires, task } = record(cron, '0 * * * *', { makeUpMissed: true })
  await clock.advance(1_000)
  wall.offsetMs += 3_700_000
  await clock.advance(30_000)
  assert.deepEqual(fires, [3_600])
  assert.equal(task.status().missed, 1)
  await cron.stop()
})

test('a fire that is missed during a run is made up after it', async () => {
  const { clock, wall, cron } = setUp()
  let runs = 0
  const { fires } = record(cron, '*/10 * * * * *', { makeUpMissed: true }, async () => { if (runs++ === 0) await clock.sleep(14_500) })
  await clock.advance(10_000)
  wall.offsetMs += 15_000
  await clock.advance(14_000)
  assert.deepEqual(fires, [10])
  await clock.advance(600)
  assert.deepEqual(fires, [10, 30])
  await cron.stop()
})

test('a wall clock that is set back a little repeats no fire; far back, the schedule begins anew', async () => {
  const { clock, wall, cron, told } = setUp()
  const { fires } = record(cron, '*/10 * * * * *')
  await clock.advance(31_000)
  wall.offsetMs -= 15_000
  await clock.advance(10_000)
  assert.deepEqual(fires, [10, 20, 30])
  await clock.advance(14_000)
  assert.deepEqual(fires, [10, 20, 30, 40])
  wall.offsetMs -= 3_600_000
  await clock.advance(20_000)
  assert.equal(told.at(-1)?.['event'], 'cron.set_back')
  assert.equal(fires.at(-1), -3_540)
  await cron.stop()
})

test('a failure is told and ends nothing; a run that takes too long is aborted', async () => {
  const { clock, cron, told } = setUp()
  const { task } = record(cron, '*/10 * * * * *', { timeoutMs: 2_000 }, (signal) => clock.sleep(60_000, signal))
  await clock.advance(25_000)
  const { failures, lastError, lastDurationMs } = task.status()
  assert.deepEqual([failures, hasCode(lastError, 'TASK_TIMEOUT'), lastDurationMs], [2, true, 2_000])
  assert.deepEqual(told.map(({ event }) => event), ['cron.timeout', 'cron.failed', 'cron.timeout', 'cron.failed'])
  await cron.stop()
})

test('LoopingCallDone ends a task, as a success', async () => {
  const { clock, cron } = setUp()
  const { fires, task } = record(cron, '*/10 * * * * *', {}, () => { throw new LoopingCallDone(7) })
  await clock.advance(60_000)
  assert.deepEqual(fires, [10])
  assert.deepEqual([task.status().lastResult, task.status().nextInMs], [7, undefined])
  assert.equal(clock.sleepers, 0)
  await cron.stop()
})

test('stop() aborts a run and waits for its end', async () => {
  const { clock, cron } = setUp()
  const { task } = record(cron, '*/10 * * * * *', {}, (signal) => clock.sleep(60_000, signal))
  await clock.advance(10_000)
  await Promise.all([cron.stop(), task.stop()])
  assert.equal(task.status().aborted, 1)
  assert.equal(clock.sleepers, 0)
})

test('CronTasks refuse bad expressions and options, a name twice, what comes after the stop, and what needs a coordinator', async () => {
  const { cron } = setUp()
  const fn = (): void => {}
  assert.throws(() => cron.schedule('* * *', fn), (error) => hasCode(error, 'CRON_INVALID'))
  assert.throws(() => cron.schedule('* * * * *', fn, { runOn: 'once' }), (error) => hasCode(error, 'TASK_NOT_COORDINATED'))
  for (const options of [{ toleranceMs: -1 }, { timeoutMs: 0 }, { maxClockSkewMs: Number.NaN }, { runOn: 'some' as 'every' }]) {
    assert.throws(() => cron.schedule('* * * * *', fn, options), RangeError)
  }
  cron.schedule('* * * * *', fn)
  assert.equal(cron.get('fn')?.name, 'fn')
  assert.throws(() => cron.schedule('* * * * *', fn), (error) => hasCode(error, 'TASK_EXISTS'))
  await cron.stop()
  assert.throws(() => cron.schedule('* * * * *', fn, { name: 'late' }), (error) => hasCode(error, 'TASKS_STOPPED'))
})

test('CronTasks by the clocks of the system run each second once, and see a loop that was blocked', async () => {
  const log: Logger = { error: (message) => assert.fail(message), warn() {}, info() {}, debug() {}, trace() {}, child: () => log, isEnabled: () => true }
  const cron = new CronTasks({ name: 'real', log })
  const runs = new EventEmitter()
  const task = cron.schedule('* * * * * *', (_signal, context) => runs.emit('run', context, Date.now()), { name: 'seconds', makeUpMissed: true })
  const next = async (): Promise<[CronTaskContext, number]> => await once(runs, 'run') as unknown as [CronTaskContext, number]
  const [first, at] = await next()
  assert.ok(at >= first.fireTime.getTime() && first.fireTime.getTime() % 1_000 === 0)
  const blockedUntil = performance.now() + 2_300
  while (performance.now() < blockedUntil);
  const [after] = await next()
  assert.ok(after.missed >= 1, `missed ${after.missed}`)
  assert.ok(task.status().missed >= 1)
  await cron.stop()
})
