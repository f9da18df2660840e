import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { LifeMessage } from '#src/ipc/messages.js'
import { seatsOf } from '#src/launcher/fleet.js'
import { serviceSpec } from '../../support/service-spec.js'
import { Supervised, type ScriptedProcess } from '../../support/supervised.js'

describe('Supervisor, stopping', () => {
  test('asks every worker to drain, and ends with 0 when the last has', async () => {
    await using fleet = await Supervised.running()
    await fleet.do((supervisor) => supervisor.stop(0, 'SIGTERM'))
    assert.deepEqual(fleet.processes.map(({ told }) => told), [['term'], ['term']])
    await fleet.exit(fleet.worker(1), 0)
    await fleet.exit(fleet.worker(0), 0)
    assert.deepEqual(await fleet.outcome, { exitCode: 0, reason: 'SIGTERM' })
    assert.equal(fleet.processes.length, 2)
    assert.ok(fleet.told('worker.exited').every(({ expected, restartInMs }) => expected && restartInMs === null))
  })

  test('asks no worker twice, and a later reason changes nothing', async () => {
    await using fleet = await Supervised.running()
    await fleet.do((supervisor) => supervisor.stop(0, 'SIGTERM'))
    await fleet.do((supervisor) => supervisor.stop(5, 'another'))
    await fleet.pass(3_000)
    assert.deepEqual(fleet.processes.map(({ told }) => told), [['term'], ['term']])
    assert.deepEqual(fleet.told('launcher.stopping').map(({ reason }) => reason), ['SIGTERM'])
  })

  test('asks a worker that is starting, and forks none that waits for its back-off', async () => {
    await using fleet = await Supervised.start([serviceSpec({ workers: 2 })])
    await fleet.exit(fleet.worker(1), 1)
    await fleet.do((supervisor) => supervisor.stop(0, 'SIGTERM'))
    assert.deepEqual(fleet.worker(0).told, ['term'])
    await fleet.pass(5_000)
    await fleet.exit(fleet.worker(0), 0)
    assert.equal((await fleet.outcome).exitCode, 0)
    assert.equal(fleet.processes.length, 2)
  })

  test('kills what has not ended at the deadline, and ends with 6', async () => {
    await using fleet = await Supervised.running({ policy: { gracefulShutdownTimeoutMs: 5_000 } })
    await fleet.do((supervisor) => supervisor.stop(0, 'SIGTERM'))
    await fleet.exit(fleet.worker(0), 0)
    await fleet.pass(5_000)
    assert.deepEqual(fleet.worker(1).told, ['term', 'kill'])
    await fleet.exit(fleet.worker(1), null, 'SIGKILL')
    assert.deepEqual(await fleet.outcome, { exitCode: 6, reason: 'SIGTERM; api/1 had to be killed' })
  })

  test('ends with 0 when a killed worker was killed before the stop', async () => {
    await using fleet = await Supervised.running()
    await fleet.pass(30_000)
    for (const process of [...fleet.processes]) await fleet.exit(process, null, 'SIGKILL')
    await fleet.do((supervisor) => supervisor.stop(0, 'SIGTERM'))
    for (const workerId of [0, 1]) await fleet.exit(fleet.worker(workerId), 0)
    assert.equal((await fleet.outcome).exitCode, 0)
  })

  test('kill() kills what is left, and ends with 6', async () => {
    await using fleet = await Supervised.running()
    await fleet.do((supervisor) => supervisor.stop(0, 'SIGINT'))
    await fleet.exit(fleet.worker(0), 0)
    await fleet.do((supervisor) => supervisor.kill('a second SIGINT'))
    assert.deepEqual(fleet.worker(1).told, ['term', 'kill'])
    await fleet.exit(fleet.worker(1), null, 'SIGKILL')
    assert.equal((await fleet.outcome).exitCode, 6)
  })

  test('kill() ends with 0 when there was nothing to kill', async () => {
    await using fleet = await Supervised.running({ workers: 1 })
    await fleet.exit(fleet.worker(0), 1)
    await fleet.do((supervisor) => supervisor.kill('SIGQUIT'))
    assert.deepEqual(await fleet.outcome, { exitCode: 0, reason: 'SIGQUIT' })
  })

  test('stops services in the reverse order of their start, each when the one after it has ended', async () => {
    await using fleet = await Supervised.start([serviceSpec({ name: 'store' }), serviceSpec({ name: 'web' })])
    await fleet.ready(...fleet.processes)
    await fleet.do((supervisor) => supervisor.stop(0, 'SIGTERM'))
    assert.deepEqual([fleet.worker(0, 'store').told, fleet.worker(0, 'web').told], [[], ['term']])
    await fleet.exit(fleet.worker(0, 'web'), 0)
    assert.deepEqual(fleet.worker(0, 'store').told, ['term'])
  })

  test('kill() kills every service at once', async () => {
    await using fleet = await Supervised.start([serviceSpec({ name: 'store' }), serviceSpec({ name: 'web' })])
    await fleet.ready(...fleet.processes)
    await fleet.do((supervisor) => supervisor.kill('SIGQUIT'))
    assert.deepEqual(fleet.processes.map(({ told }) => told), [['kill'], ['kill']])
  })
})

describe('Supervisor, when a service ends', () => {
  test('ends with 0 when every worker of a transient service has exited with 0', async () => {
    await using fleet = await Supervised.running({ policy: { restartType: 'transient' } })
    for (const process of fleet.processes) await fleet.exit(process, 0)
    assert.deepEqual(await fleet.outcome, { exitCode: 0, reason: 'service "api" has ended' })
  })

  test('ends with 1 when a worker of a temporary service has failed', async () => {
    await using fleet = await Supervised.running({ policy: { restartType: 'temporary' } })
    fleet.worker(0).says({ reeve: 'failed', message: 'disk full' })
    await fleet.exit(fleet.worker(0), 1)
    await fleet.exit(fleet.worker(1), 0)
    assert.deepEqual(await fleet.outcome, { exitCode: 1, reason: 'service "api" has ended: disk full' })
  })

  test('ends with 4 when no worker of a temporary service was ever ready', async () => {
    await using fleet = await Supervised.start([serviceSpec({ policy: { restartType: 'temporary' } })])
    await fleet.exit(fleet.worker(0), 1)
    assert.equal((await fleet.outcome).exitCode, 4)
  })

  test('stops the others when it is critical, and goes on when it is not', async () => {
    for (const critical of [true, false]) {
      await using fleet = await Supervised.start([serviceSpec({ name: 'web' }), serviceSpec({ name: 'setup', critical, policy: { restartType: 'transient' } })])
      await fleet.ready(...fleet.processes)
      await fleet.exit(fleet.worker(0, 'setup'), 0)
      assert.deepEqual(fleet.worker(0, 'web').told, critical ? ['term'] : [])
    }
  })

  test('ends when services that are not critical have all ended', async () => {
    await using fleet = await Supervised.running({ critical: false, policy: { restartType: 'transient' } })
    for (const process of fleet.processes) await fleet.exit(process, 0)
    assert.equal((await fleet.outcome).exitCode, 0)
  })
})

/** What may happen to a fleet, in any order; `pick` chooses a process. */
interface Action {
  readonly what: keyof typeof ACTIONS
  readonly pick: number
}

type Act = (fleet: Supervised, process: ScriptedProcess) => void | Promise<void>

const say = (message: LifeMessage): Act => (_fleet, process) => process.says(message)
const exit = (code: number | null, signal: NodeJS.Signals | null): Act => (fleet, process) => fleet.exit(process, code, signal)
const scaleBy = (change: 1 | -1): Act => (fleet) => fleet.do((supervisor) => supervisor.services.forEach((service) => supervisor.scaleBy(service, change)))
const pass = (ms: number): Act => (fleet) => fleet.pass(ms)

const ACTIONS = {
  ready: say({ reeve: 'ready' }), stopping: say({ reeve: 'stopping' }), beat: say({ reeve: 'beat', loopDelayMs: 0, rssBytes: 1 }),
  crash: exit(1, null), killed: exit(null, 'SIGKILL'), more: scaleBy(1), fewer: scaleBy(-1),
  'a moment': pass(50), 'a second': pass(1_000), 'forty seconds': pass(40_000),
} satisfies Record<string, Act>

const anyAction: fc.Arbitrary<Action | 'reload'> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ what: fc.constantFrom(...Object.keys(ACTIONS) as Action['what'][]), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.constant('reload' as const) },
)

test('Supervisor, whatever happened, ends when it is stopped and its processes exit, and answers everyone who asked for a reload', async () => {
  await fc.assert(fc.asyncProperty(fc.array(anyAction, { maxLength: 30 }), async (actions) => {
    await using fleet = await Supervised.running({ limit: { intensity: 1_000, periodMs: 60_000 } })
    let answers = 0
    for (const action of actions) {
      const alive = living(fleet)
      const process = action === 'reload' ? undefined : alive[action.pick % alive.length]
      if (action === 'reload') await fleet.do((supervisor) => supervisor.requestReload(() => { answers++ }))
      else if (process) await ACTIONS[action.what](fleet, process)
    }
    await fleet.do((supervisor) => supervisor.stop(0, 'the end'))
    assert.equal(answers, actions.filter((action) => action === 'reload').length)
    const forks = fleet.processes.length
    const states = fleet.supervisor.services.flatMap(({ slots }) => slots.flatMap(seatsOf)).map(({ life }) => life.state.name)
    assert.deepEqual(states.filter((name) => !['stopping', 'killed', 'stopped'].includes(name)), [])
    for (const process of living(fleet)) await fleet.exit(process, 0)
    await fleet.outcome
    assert.equal(fleet.processes.length, forks)
  }), { numRuns: 100 })
})

function living(fleet: Supervised): ScriptedProcess[] {
  const gone = new Set(fleet.told('worker.exited').map(({ pid }) => pid))
  return fleet.processes.filter(({ pid }) => !gone.has(pid))
}
