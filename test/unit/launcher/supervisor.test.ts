import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { serviceSpec } from '../../support/service-spec.js'
import { Supervised } from '../../support/supervised.js'

describe('Supervisor, starting', () => {
  test('forks a process for each slot, and tells once that all are ready', async () => {
    await using fleet = await Supervised.start([serviceSpec({ workers: 3 })])
    assert.deepEqual(fleet.processes.map(({ workerId }) => workerId), [0, 1, 2])
    await fleet.ready(fleet.worker(2), fleet.worker(0))
    assert.deepEqual([fleet.progress, fleet.readied], ['2/3', []])
    await fleet.ready(fleet.worker(1))
    assert.deepEqual([fleet.progress, fleet.readied], ['3/3', [3]])
    await fleet.exit(fleet.worker(1), 1)
    await fleet.pass(200)
    await fleet.ready(fleet.worker(1))
    assert.deepEqual(fleet.readied, [3])
    assert.deepEqual(fleet.told('worker.starting').map(({ workerId, pid, generation }) => [workerId, pid, generation]), [[0, 100, 1], [1, 101, 1], [2, 102, 1], [1, 103, 1]])
  })

  test('kills a worker that is not ready in time, and tries again', async () => {
    await using fleet = await Supervised.start([serviceSpec({ policy: { bootTimeoutMs: 5_000 } })])
    await fleet.pass(4_000)
    assert.deepEqual(fleet.worker(0).told, [])
    await fleet.pass(1_000)
    assert.deepEqual(fleet.worker(0).told, ['kill'])
    assert.equal(fleet.told('worker.killed')[0]?.reason, 'boot timeout')
    assert.equal(fleet.processes.length, 1)
    await fleet.exit(fleet.worker(0), null, 'SIGKILL')
    await fleet.pass(100)
    assert.equal(fleet.processes.length, 2)
  })

  test('gives a worker the time that it asks for, and says so outside', async () => {
    await using fleet = await Supervised.start([serviceSpec({ policy: { bootTimeoutMs: 5_000 } })])
    await fleet.pass(4_000)
    fleet.worker(0).says({ reeve: 'extend', ms: 3_000 })
    await fleet.settle()
    await fleet.pass(2_000)
    assert.deepEqual(fleet.worker(0).told, [])
    assert.deepEqual(fleet.extensions, [3_000])
    await fleet.pass(1_000)
    assert.deepEqual(fleet.worker(0).told, ['kill'])
  })

  test('gives up with 4 and the reason after three failed boots over the whole fleet', async () => {
    await using fleet = await Supervised.start([serviceSpec({ workers: 2 })])
    await fleet.exit(fleet.worker(0), 4)
    await fleet.exit(fleet.worker(1), 4)
    await fleet.pass(1_000)
    fleet.worker(1).says({ reeve: 'failed', message: 'no database today' })
    await fleet.exit(fleet.worker(1), 4)
    assert.deepEqual(fleet.worker(0).told, ['term'])
    await fleet.exit(fleet.worker(0), 0)
    assert.deepEqual(await fleet.outcome, { exitCode: 4, reason: 'no worker became ready in 3 attempts: no database today' })
  })

  test('gives up with 3 at the first worker whose configuration is wrong', async () => {
    await using fleet = await Supervised.start([serviceSpec()])
    fleet.worker(0).says({ reeve: 'failed', message: '[web] port is 70000' })
    await fleet.exit(fleet.worker(0), 3)
    assert.deepEqual(await fleet.outcome, { exitCode: 3, reason: 'the configuration is not valid: [web] port is 70000' })
  })

  test('goes on for ever once a worker was ready: a failed boot is a death like others', async () => {
    await using fleet = await Supervised.running({ workers: 1 })
    await fleet.exit(fleet.worker(0), 1)
    for (let round = 0; round < 5; round++) {
      await fleet.passBeating(10_000)
      await fleet.exit(fleet.worker(0), 4)
    }
    assert.equal(fleet.supervisor.stopping, undefined)
  })

  test('counts a fork that fails as a failed boot', async () => {
    await using fleet = new Supervised([serviceSpec()])
    fleet.forkError = Object.assign(new Error('fork: EAGAIN'), { code: 'EAGAIN' })
    await fleet.pass(5_000)
    assert.equal((await fleet.outcome).exitCode, 4)
    const exits = fleet.told('worker.exited')
    assert.equal(exits.length, 3)
    assert.deepEqual([exits[0]?.pid, exits[0]?.error, exits[0]?.restartInMs], [undefined, 'fork: EAGAIN', 100])
  })
})

describe('Supervisor, with a death', () => {
  test('restarts the slot at once after a healthy period', async () => {
    await using fleet = await Supervised.running()
    await fleet.passBeating(10_000)
    await fleet.exit(fleet.worker(1), 1)
    assert.deepEqual(fleet.processes.map(({ workerId }) => workerId), [0, 1, 1])
    assert.deepEqual(fleet.told('worker.exited').map(({ workerId, pid, code, expected, restartInMs }) => [workerId, pid, code, expected, restartInMs]), [[1, 101, 1, false, 0]])
  })

  test('restarts the slot at once after a signal from outside, and after a back-off otherwise', async () => {
    await using fleet = await Supervised.running()
    await fleet.exit(fleet.worker(0), null, 'SIGKILL')
    assert.equal(fleet.processes.length, 3)
    await fleet.exit(fleet.worker(1), null, 'SIGSEGV')
    await fleet.pass(99)
    assert.equal(fleet.processes.length, 3)
    await fleet.pass(1)
    assert.equal(fleet.processes.length, 4)
  })

  test('doubles the back-off with each failure', async () => {
    await using fleet = await Supervised.running({ workers: 1 })
    const delays: (number | null | undefined)[] = []
    for (let failure = 0; failure < 4; failure++) {
      await fleet.exit(fleet.worker(0), 1)
      delays.push(fleet.told('worker.exited').at(-1)?.restartInMs)
      await fleet.pass(1_000)
    }
    assert.deepEqual(delays, [100, 200, 400, 800])
  })

  test('gives up with 5 when workers die faster than the limit allows, and drains the others', async () => {
    await using fleet = await Supervised.running({ limit: { intensity: 2, periodMs: 60_000 } })
    for (let death = 0; death < 3; death++) {
      await fleet.exit(fleet.worker(0), 1)
      await fleet.pass(1_000)
    }
    assert.deepEqual(fleet.worker(1).told, ['term'])
    await fleet.exit(fleet.worker(1), 0)
    assert.deepEqual(await fleet.outcome, { exitCode: 5, reason: 'workers of "api" died 3 times in 60 s, and 2 are allowed' })
  })

  test('ends only the service that dies too fast where it is not critical', async () => {
    await using fleet = await Supervised.start([serviceSpec({ name: 'web' }), serviceSpec({ name: 'jobs', workers: 2, critical: false, limit: { intensity: 1, periodMs: 60_000 } })])
    await fleet.ready(...fleet.processes)
    await fleet.exit(fleet.worker(0, 'jobs'), 1)
    await fleet.pass(1_000)
    await fleet.exit(fleet.worker(0, 'jobs'), 1)
    assert.deepEqual(fleet.worker(1, 'jobs').told, ['term'])
    await fleet.exit(fleet.worker(1, 'jobs'), 0)
    assert.deepEqual(fleet.told('service.ended'), [{ event: 'service.ended', service: 'jobs', critical: false }])
    assert.equal(fleet.supervisor.stopping, undefined)
    assert.deepEqual(fleet.worker(0, 'web').told, [])
    assert.equal(fleet.progress, '1/1')
  })

  test('replaces a worker that stops by itself at once, and does not count it', async () => {
    await using fleet = await Supervised.running({ workers: 1, limit: { intensity: 1, periodMs: 60_000 } })
    for (let round = 0; round < 3; round++) {
      fleet.worker(0).says({ reeve: 'stopping' })
      await fleet.exit(fleet.worker(0), 0)
      await fleet.ready(fleet.worker(0))
    }
    assert.deepEqual([fleet.processes.length, fleet.supervisor.stopping], [4, undefined])
    assert.deepEqual(fleet.told('worker.exited').map(({ expected, restartInMs }) => [expected, restartInMs]), [[true, 0], [true, 0], [true, 0]])
  })

  test('does not hear a process that is gone', async () => {
    await using fleet = await Supervised.running({ workers: 1 })
    const old = fleet.worker(0)
    await fleet.exit(old, null, 'SIGKILL')
    assert.equal(fleet.processes.length, 2)
    await fleet.ready(old)
    await fleet.exit(old, 1)
    assert.equal(fleet.told('worker.ready').length, 1)
    assert.equal(fleet.told('worker.exited').length, 1)
  })
})

describe('Supervisor, with a hang', () => {
  test('kills and replaces a worker that does not beat', async () => {
    await using fleet = await Supervised.running()
    const [hangs, beats] = fleet.processes
    assert.ok(hangs && beats)
    await fleet.passBeating(29_000, [beats])
    assert.deepEqual(hangs.told, [])
    await fleet.passBeating(1_000, [beats])
    assert.deepEqual([hangs.told, beats.told], [['kill'], []])
    assert.deepEqual(fleet.told('worker.hung').map(({ pid }) => pid), [100])
    await fleet.exit(hangs, null, 'SIGKILL')
    assert.deepEqual(fleet.told('worker.exited')[0]?.expected, true)
    assert.notEqual(fleet.worker(0), hangs)
  })

  test('says how long ago the last beat was, or since when there was none', async () => {
    await using fleet = await Supervised.running()
    fleet.worker(1).says({ reeve: 'beat', loopDelayMs: 0, rssBytes: 1 })
    await fleet.settle()
    await fleet.pass(30_000)
    assert.deepEqual(fleet.told('worker.hung').map(({ workerId, lastBeatMs }) => [workerId, lastBeatMs]), [[0, 30_000], [1, 30_000]])
  })

  test('looks for no hang where hang_timeout is 0', async () => {
    await using fleet = await Supervised.running({ policy: { hangTimeoutMs: 0 } })
    await fleet.pass(100_000)
    assert.deepEqual(fleet.processes.map(({ told }) => told), [[], []])
  })

  test('blames no worker for time in which the launcher did not run', async () => {
    await using fleet = await Supervised.running()
    await fleet.starve(40_000)
    assert.deepEqual(fleet.processes.map(({ told }) => told), [[], []])
    assert.equal(fleet.told('launcher.starved').length, 1)
    await fleet.pass(31_000)
    assert.deepEqual(fleet.processes.map(({ told }) => told), [['kill'], ['kill']])
  })
})

test('Supervisor.broadcast() reaches every process, those that retire too', async () => {
  await using fleet = await Supervised.running()
  await fleet.do((supervisor) => supervisor.requestReload())
  await fleet.ready(fleet.worker(0))
  await fleet.do((supervisor) => supervisor.broadcast({ reeve: 'reopen-logs' }))
  assert.deepEqual(fleet.processes.map(({ told }) => told.includes('reopen-logs')), [true, true, true, true])
})
