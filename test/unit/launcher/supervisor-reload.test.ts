import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { serviceSpec } from '../../support/service-spec.js'
import { Supervised } from '../../support/supervised.js'

describe('Supervisor.requestReload()', () => {
  test('replaces one slot after the other, new first, and is done when the old ones have drained', async () => {
    await using fleet = await Supervised.running()
    const [first, second] = fleet.processes
    assert.ok(first && second)
    const outcomes: unknown[] = []
    await fleet.do((supervisor) => supervisor.requestReload((outcome) => outcomes.push(outcome)))
    assert.deepEqual(fleet.processes.map(({ workerId }) => workerId), [0, 1, 0])
    assert.deepEqual(first.told, [])
    await fleet.ready(fleet.worker(0))
    assert.deepEqual([first.told, second.told], [['term'], []])
    assert.deepEqual(fleet.processes.map(({ workerId }) => workerId), [0, 1, 0, 1])
    assert.equal(fleet.progress, '2/2')
    await fleet.ready(fleet.worker(1))
    assert.deepEqual(second.told, ['term'])
    assert.deepEqual(outcomes, [])
    await fleet.exit(second, 0)
    assert.deepEqual(outcomes, [])
    await fleet.exit(first, 0)
    assert.deepEqual(outcomes, [{ ok: true, generation: 2 }])
    assert.deepEqual(fleet.told('worker.starting').map(({ generation }) => generation), [1, 1, 2, 2])
    assert.deepEqual(fleet.told('reload.finished'), [{ event: 'reload.finished', ok: true, generation: 2 }])
    assert.deepEqual(fleet.readied, [2])
  })

  test('fails with the first successor that cannot boot, and leaves every old worker as it is', async () => {
    await using fleet = await Supervised.running()
    const outcomes: unknown[] = []
    await fleet.do((supervisor) => supervisor.requestReload((outcome) => outcomes.push(outcome)))
    fleet.worker(0).says({ reeve: 'failed', message: 'no database today' })
    await fleet.exit(fleet.worker(0), 4)
    assert.deepEqual(outcomes, [{ ok: false, generation: 2, error: 'no database today' }])
    await fleet.passBeating(60_000)
    assert.equal(fleet.processes.length, 3)
    assert.deepEqual(fleet.processes.map(({ told }) => told), [[], [], []])
    assert.equal(fleet.told('worker.exited')[0]?.restartInMs, null)
  })

  test('fails when a successor is not ready in time', async () => {
    await using fleet = await Supervised.running({ policy: { bootTimeoutMs: 5_000, hangTimeoutMs: 0 } })
    const outcomes: { ok: boolean }[] = []
    await fleet.do((supervisor) => supervisor.requestReload((outcome) => outcomes.push(outcome)))
    await fleet.pass(5_000)
    assert.deepEqual(fleet.worker(0).told, ['kill'])
    await fleet.exit(fleet.worker(0), null, 'SIGKILL')
    assert.deepEqual(outcomes.map(({ ok }) => ok), [false])
  })

  test('changes nothing when the configuration is wrong', async () => {
    await using fleet = await Supervised.running()
    fleet.configured = { error: '[DEFAULT] workers must be …' }
    const outcomes: unknown[] = []
    await fleet.do((supervisor) => supervisor.requestReload((outcome) => outcomes.push(outcome)))
    assert.deepEqual(outcomes, [{ ok: false, generation: 1, error: '[DEFAULT] workers must be …' }])
    assert.equal(fleet.processes.length, 2)
  })

  test('makes one further reload of all requests that come during one', async () => {
    await using fleet = await Supervised.running({ workers: 1 })
    const outcomes: [string, number][] = []
    const request = (name: string): Promise<void> => fleet.do((supervisor) => supervisor.requestReload(({ generation }) => outcomes.push([name, generation])))
    for (const name of ['first', 'second', 'third']) await request(name)
    assert.equal(fleet.processes.length, 2)
    for (let round = 0; round < 2; round++) {
      const old = fleet.processes.at(-2)
      assert.ok(old)
      await fleet.ready(fleet.worker(0))
      await fleet.exit(old, 0)
    }
    assert.deepEqual(outcomes, [['first', 2], ['second', 3], ['third', 3]])
    assert.equal(fleet.processes.length, 3)
  })

  test('takes over a slot that waits for its back-off', async () => {
    await using fleet = await Supervised.running({ workers: 1 })
    await fleet.exit(fleet.worker(0), 1)
    const outcomes: boolean[] = []
    await fleet.do((supervisor) => supervisor.requestReload(({ ok }) => outcomes.push(ok)))
    await fleet.ready(fleet.worker(0))
    await fleet.passBeating(60_000)
    assert.deepEqual([outcomes, fleet.processes.length, fleet.progress], [[true], 2, '1/1'])
  })

  test('is ended by a stop: those who wait are told', async () => {
    await using fleet = await Supervised.running({ workers: 1 })
    const outcomes: { ok: boolean; error?: string }[] = []
    await fleet.do((supervisor) => supervisor.requestReload((outcome) => outcomes.push(outcome)))
    await fleet.do((supervisor) => supervisor.requestReload((outcome) => outcomes.push(outcome)))
    await fleet.do((supervisor) => supervisor.stop(0, 'SIGTERM'))
    assert.deepEqual(outcomes.map(({ ok, error }) => [ok, error]), [[false, 'the launcher stops'], [false, 'the launcher stops']])
    assert.deepEqual(fleet.processes.map(({ told }) => told), [['term'], ['term']])
    for (const process of fleet.processes) await fleet.exit(process, 0)
    assert.equal((await fleet.outcome).exitCode, 0)
  })

  test('is refused while the launcher stops', async () => {
    await using fleet = await Supervised.running()
    const outcomes: unknown[] = []
    await fleet.do((supervisor) => {
      supervisor.stop(0, 'SIGTERM')
      supervisor.requestReload((outcome) => outcomes.push(outcome))
    })
    assert.deepEqual(outcomes, [{ ok: false, generation: 1, error: 'the launcher stops' }])
  })

  test('has what the configuration says by then: other workers, and another policy', async () => {
    await using fleet = await Supervised.running()
    fleet.configured = [serviceSpec({ workers: 3, policy: { bootTimeoutMs: 1_000 } })]
    await fleet.do((supervisor) => supervisor.requestReload())
    assert.deepEqual(fleet.told('service.scaled').map(({ workers }) => workers), [3])
    assert.equal(fleet.told('reload.started')[0]?.workers, 3)
    assert.deepEqual(fleet.supervisor.services.map(({ spec }) => spec.policy.bootTimeoutMs), [1_000])
  })

  test('leaves a later stop a clean one, when an old worker had to be killed at its deadline', async () => {
    await using fleet = await Supervised.running({ workers: 1, policy: { gracefulShutdownTimeoutMs: 5_000 } })
    const old = fleet.worker(0)
    await fleet.do((supervisor) => supervisor.requestReload())
    await fleet.ready(fleet.worker(0))
    await fleet.pass(5_000)
    assert.deepEqual(old.told, ['term', 'kill'])
    await fleet.exit(old, null, 'SIGKILL')
    assert.deepEqual(fleet.told('reload.finished').map(({ ok }) => ok), [true])
    await fleet.do((supervisor) => supervisor.stop(0, 'SIGTERM'))
    await fleet.exit(fleet.worker(0), 0)
    assert.equal((await fleet.outcome).exitCode, 0)
  })

  test('goes on with the next slot when the launcher is told to have fewer', async () => {
    await using fleet = await Supervised.running()
    const outcomes: boolean[] = []
    await fleet.do((supervisor) => supervisor.requestReload(({ ok }) => outcomes.push(ok)))
    const [first, second] = fleet.processes
    assert.ok(first && second)
    await fleet.ready(fleet.worker(0))
    const successor = fleet.worker(1)
    assert.notEqual(successor, second)
    await fleet.do((supervisor) => supervisor.services.forEach((service) => supervisor.scale(service, 1)))
    assert.deepEqual([second.told, successor.told], [['term'], ['term']])
    for (const process of [first, second, successor]) await fleet.exit(process, 0)
    assert.deepEqual([outcomes, fleet.progress], [[true], '1/1'])
  })
})

describe('Supervisor.scale()', () => {
  const scale = (fleet: Supervised, workers: number): Promise<void> => fleet.do((supervisor) => supervisor.services.forEach((service) => supervisor.scale(service, workers)))

  test('adds workers, and lets those with the highest numbers go', async () => {
    await using fleet = await Supervised.running()
    await scale(fleet, 4)
    assert.deepEqual(fleet.processes.map(({ workerId }) => workerId), [0, 1, 2, 3])
    await fleet.ready(fleet.worker(2), fleet.worker(3))
    await scale(fleet, 1)
    assert.deepEqual(fleet.processes.map(({ told }) => told), [[], ['term'], ['term'], ['term']])
    assert.equal(fleet.progress, '1/1')
    for (const process of fleet.processes.slice(1)) await fleet.exit(process, 0)
    assert.equal(fleet.processes.length, 4)
    assert.deepEqual(fleet.supervisor.services.map(({ slots }) => slots.length), [1])
    assert.deepEqual(fleet.told('service.scaled').map(({ workers }) => workers), [4, 1])
  })

  test('gives a number anew while its former holder still drains', async () => {
    await using fleet = await Supervised.running()
    await scale(fleet, 1)
    await scale(fleet, 2)
    assert.deepEqual(fleet.processes.map(({ workerId }) => workerId), [0, 1, 1])
    await fleet.exit(fleet.processes[1] ?? assert.fail(), 0)
    assert.equal(fleet.processes.length, 3)
  })

  test('refuses less than one worker and what is no number', async () => {
    await using fleet = await Supervised.running()
    for (const workers of [0, -1, 1.5, Number.NaN]) {
      await assert.rejects(scale(fleet, workers), { code: 'SCALE_INVALID', message: `Cannot scale "api" as a service has at least 1 worker: ${workers}` })
    }
  })

  test('does nothing for the same number, and while the launcher stops', async () => {
    await using fleet = await Supervised.running()
    await scale(fleet, 2)
    await fleet.do((supervisor) => supervisor.stop(0, 'SIGTERM'))
    await scale(fleet, 5)
    assert.deepEqual([fleet.told('service.scaled'), fleet.processes.length], [[], 2])
  })

  test('scaleBy() never goes under one', async () => {
    await using fleet = await Supervised.running()
    const by = (change: 1 | -1): Promise<void> => fleet.do((supervisor) => supervisor.services.forEach((service) => supervisor.scaleBy(service, change)))
    await by(1)
    for (let times = 0; times < 5; times++) await by(-1)
    assert.deepEqual(fleet.told('service.scaled').map(({ workers }) => workers), [3, 2, 1])
  })
})
