import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasCode } from '#src/base/errors.js'
import type { LogFields } from '#src/log/fields.js'
import type { Logger } from '#src/log/logger.js'
import { LoopingCallDone } from '#src/loop/looping-call-done.js'
import { periodicTask } from '#src/loop/periodic/periodic-task.js'
import type { PeriodicTaskFunction, PeriodicTaskOptions } from '#src/loop/periodic/periodic-options.js'
import { PeriodicTasks } from '#src/loop/periodic/periodic-tasks.js'
import { FakeClock } from '../../../support/fake-clock.js'

function setUp() {
  const clock = new FakeClock()
  const told: LogFields[] = []
  const tell = (_message: string, fields: LogFields = {}): void => { told.push(fields) }
  const log: Logger = { error: tell, warn: tell, info: tell, debug: tell, trace: tell, child: () => log, isEnabled: () => true }
  const tasks = new PeriodicTasks({ name: 'test', log, clock, random: () => 0.5 })
  return { clock, told, log, tasks }
}

/** When a task with these options starts within `withinMs`, each run taking `takesMs`. */
async function startsOf(options: Omit<PeriodicTaskOptions, 'name'>, withinMs: number, takesMs = 0): Promise<readonly number[]> {
  const { clock, tasks } = setUp()
  const starts: number[] = []
  tasks.register('task', options, async () => { starts.push(clock.now()); if (takesMs > 0) await clock.sleep(takesMs) })
  tasks.start()
  await clock.advance(withinMs)
  const stopped = tasks.stop()
  await clock.advance(takesMs)
  await stopped
  assert.equal(clock.sleepers, 0)
  return starts
}

test('PeriodicTasks run a task first after its spacing, or immediately, after a fuzzy delay', async () => {
  assert.deepEqual(await startsOf({ spacingMs: 1_000 }, 3_500), [1_000, 2_000, 3_000])
  assert.deepEqual(await startsOf({ spacingMs: 1_000, runImmediately: true }, 2_500), [0, 1_000, 2_000])
  assert.deepEqual(await startsOf({ spacingMs: 1_000, runImmediately: true, fuzzyDelayMs: 500 }, 2_500), [250, 1_250, 2_250])
  assert.deepEqual(await startsOf({ spacingMs: 1_000, fuzzyDelayMs: 500 }, 2_500), [1_250, 2_250])
})

test('PeriodicTasks take fractions of a second, and of a millisecond', async () => {
  assert.deepEqual(await startsOf({ spacingMs: 50 }, 160), [50, 100, 150])
  assert.equal((await startsOf({ spacingMs: 2.5 }, 10)).length, 4)
})

test('PeriodicTasks take spacing 0 and none for 60 s', async () => {
  assert.deepEqual(await startsOf({ spacingMs: 0 }, 130_000), [60_000, 120_000])
  assert.deepEqual(await startsOf({}, 130_000), [60_000, 120_000])
})

test('a run that overruns drops the starts that it missed, or one of them is queued', async () => {
  assert.deepEqual(await startsOf({ spacingMs: 1_000 }, 7_000, 2_500), [1_000, 4_000, 7_000])
  assert.deepEqual(await startsOf({ spacingMs: 1_000, overlap: 'queue' }, 7_000, 2_500), [1_000, 3_500, 6_000])
})

test('a slow task delays no other', async () => {
  const { clock, tasks } = setUp()
  const starts: number[] = []
  tasks.register('slow', { spacingMs: 100 }, () => clock.sleep(10_000))
  tasks.register('quick', { spacingMs: 100 }, () => { starts.push(clock.now()) })
  tasks.start()
  await clock.advance(350)
  assert.deepEqual(starts, [100, 200, 300])
  const stopped = tasks.stop()
  await clock.advance(10_000)
  await stopped
})

test('PeriodicTasks do not run what is disabled or has a negative spacing, and log it', async () => {
  const { clock, tasks, told } = setUp()
  tasks.register('off', { enabled: false, spacingMs: 10 }, () => assert.fail())
  tasks.register('negative', { spacingMs: -1 }, () => assert.fail())
  tasks.start()
  await clock.advance(120_000)
  assert.deepEqual(told.map(({ event, task }) => [event, task]), [['periodic.disabled', 'off'], ['periodic.disabled', 'negative']])
  assert.deepEqual(tasks.status(), [])
  await tasks.stop()
})

test('status() tells what became of the runs', async () => {
  const { clock, tasks, told } = setUp()
  const broken = new Error('broken')
  let calls = 0
  const work: PeriodicTaskFunction = async () => {
    calls++
    if (calls === 2) throw broken
    if (calls === 3) await clock.sleep(2_200)
    return calls
  }
  tasks.register('task', { spacingMs: 1_000 }, work)
  assert.equal(tasks.status()[0]?.nextInMs, undefined)
  tasks.start()
  await clock.advance(3_300)
  const [during] = tasks.status()
  assert.deepEqual([during?.running, during?.runs, during?.nextInMs], [1, 2, undefined])
  await clock.advance(2_400)
  const [status] = tasks.status()
  const { lastStart, lastEndMs, nextInMs, ...rest } = status ?? assert.fail()
  assert.deepEqual(rest, {
    name: 'task', runOn: 'every', spacingMs: 1_000, runs: 3, successes: 2, failures: 1, aborted: 0, skipped: 2, running: 0,
    lastDurationMs: 2_200, lastError: broken, lastResult: 3, leading: false, shards: [],
  })
  assert.ok(lastStart instanceof Date)
  assert.ok(Math.abs((lastEndMs ?? 0) - 500) < 1 && Math.abs((nextInMs ?? 0) - 300) < 1)
  assert.deepEqual(told.map(({ event }) => event), ['periodic.failed', 'periodic.missed'])
  await tasks.stop()
})

test('a run gets a signal that aborts with TASK_TIMEOUT, which counts as a failure', async () => {
  const { clock, tasks, told } = setUp()
  tasks.register('task', { spacingMs: 1_000, timeoutMs: 300 }, (signal) => clock.sleep(60_000, signal))
  tasks.start()
  await clock.advance(2_500)
  const [status] = tasks.status()
  assert.deepEqual([status?.failures, status?.lastDurationMs, hasCode(status?.lastError, 'TASK_TIMEOUT')], [2, 300, true])
  assert.deepEqual(told.map(({ event }) => event), ['periodic.timeout', 'periodic.failed', 'periodic.timeout', 'periodic.failed'])
  await tasks.stop()
  assert.equal(clock.sleepers, 0)
})

test('LoopingCallDone ends a task, as a success', async () => {
  const { clock, tasks } = setUp()
  tasks.register('task', { spacingMs: 100 }, () => { throw new LoopingCallDone('enough') })
  tasks.start()
  await clock.advance(1_000)
  const [status] = tasks.status()
  assert.deepEqual([status?.runs, status?.successes, status?.lastResult], [1, 1, 'enough'])
  await tasks.stop()
})

test('stop() aborts a run, waits for its end, and counts it as aborted', async () => {
  const { clock, tasks } = setUp()
  let ended = false
  tasks.register('task', { spacingMs: 100 }, async (signal) => {
    await clock.sleep(60_000, signal).catch(() => {})
    await clock.sleep(50)
    ended = true
    signal.throwIfAborted()
  })
  tasks.register('idle', { spacingMs: 3_600_000 }, () => assert.fail())
  tasks.start()
  await clock.advance(150)
  const stopped = Promise.all([tasks.stop(), tasks.stop()]).then(() => ended)
  await clock.advance(50)
  assert.equal(await stopped, true)
  assert.equal(tasks.status()[0]?.aborted, 1)
  assert.equal(clock.sleepers, 0)
})

test('a task that is registered while they run starts at once', async () => {
  const { clock, tasks } = setUp()
  const starts: number[] = []
  tasks.start()
  await clock.advance(500)
  tasks.register('late', { spacingMs: 1_000 }, () => { starts.push(clock.now()) })
  await clock.advance(1_100)
  assert.deepEqual(starts, [1_500])
  await tasks.stop()
})

test('PeriodicTasks refuse a name twice, a second start, what comes after the stop, and what needs a coordinator', async () => {
  const { tasks } = setUp()
  tasks.register('task', {}, () => {})
  assert.throws(() => tasks.register('task', {}, () => {}), (error) => hasCode(error, 'TASK_EXISTS'))
  assert.throws(() => tasks.register('other', { runOn: 'leader' }, () => {}), (error) => hasCode(error, 'TASK_NOT_COORDINATED'))
  assert.throws(() => tasks.register('other', { runOn: 'partition' }, () => {}), (error) => hasCode(error, 'TASK_NOT_COORDINATED'))
  for (const options of [{ spacingMs: Number.NaN }, { fuzzyDelayMs: -1 }, { timeoutMs: 0 }, { partitions: 0 }, { overlap: 'both' as 'skip' }, { runOn: 'some' as 'every' }]) {
    assert.throws(() => tasks.register('other', options, () => {}), RangeError)
  }
  tasks.start()
  assert.throws(() => tasks.start(), (error) => hasCode(error, 'LOOPING_CALL_RUNS'))
  await tasks.stop()
  assert.throws(() => tasks.register('late', {}, () => {}), (error) => hasCode(error, 'TASKS_STOPPED'))
  assert.throws(() => tasks.start(), (error) => hasCode(error, 'TASKS_STOPPED'))
})

class Parent {
  readonly calls: string[] = []

  @periodicTask({ spacingMs: 1_000 })
  inherited(): void {
    this.calls.push('inherited')
  }

  @periodicTask({ spacingMs: 1_000, name: 'old name' })
  overridden(): void {
    this.calls.push('never')
  }

  @periodicTask({ spacingMs: 1_000 })
  replaced(): void {
    this.calls.push('never')
  }
}

class Child extends Parent {
  @periodicTask({ spacingMs: 2_000, name: 'own' })
  async work(signal: AbortSignal): Promise<void> {
    this.calls.push(`own ${signal.aborted}`)
  }

  @periodicTask({ spacingMs: 500, name: 'new name' })
  override overridden(): void {
    this.calls.push('overridden')
  }

  override replaced(): void {
    this.calls.push('replaced')
  }
}

test('add() finds the decorated methods of an object and of its parents, bound to it', async () => {
  const { clock, tasks } = setUp()
  const child = new Child()
  assert.deepEqual(tasks.add(child), ['inherited', 'new name', 'replaced', 'own'])
  tasks.start()
  await clock.advance(1_050)
  assert.deepEqual([...child.calls].sort(), ['inherited', 'overridden', 'overridden', 'replaced'])
  await clock.advance(1_000)
  assert.ok(child.calls.includes('own false'))
  await tasks.stop()
})

test('add() adds none when one is refused, and nothing for an object without tasks', async () => {
  const { tasks } = setUp()
  tasks.register('replaced', {}, () => {})
  assert.throws(() => tasks.add(new Parent()), (error) => hasCode(error, 'TASK_EXISTS'))
  assert.deepEqual(tasks.status().map(({ name }) => name), ['replaced'])
  assert.deepEqual(tasks.add({}), [])
  await tasks.stop()
})
