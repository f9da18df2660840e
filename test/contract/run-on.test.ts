/** Tasks that run in one place of many, the same over every store: leaders, shards, and fires that are run once. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { hasCode } from '#src/base/errors.js'
import type { Coordinator } from '#src/coordination/contract.js'
import { getCoordinator } from '#src/coordination/get-coordinator.js'
import type { Logger } from '#src/log/logger.js'
import type { CronTaskContext, CronTaskOptions } from '#src/loop/cron/cron-options.js'
import { CronTasks } from '#src/loop/cron/cron-tasks.js'
import type { PeriodicTaskContext } from '#src/loop/periodic/periodic-options.js'
import { PeriodicTasks } from '#src/loop/periodic/periodic-tasks.js'
import { notRun } from '../support/not-run.js'
import { until } from '../support/processes.js'
import { RedisServer } from '../support/redis.js'

const log: Logger = { error: ignore, warn: ignore, info: ignore, debug: ignore, trace: ignore, child: () => log, isEnabled: () => true }
function ignore(): void {}

/** What one member did, in order, beside what the others did. */
interface Call {
  readonly member: string
  readonly act: 'begin' | 'end'
  readonly fence: bigint | undefined
  readonly shard: number | undefined
  readonly reason: unknown
}

interface OpenStore {
  readonly url: string
  close(): Promise<void>
}

const STORES: readonly { readonly name: string; unavailable(): Promise<string | undefined>; open(): Promise<OpenStore> }[] = [
  {
    name: 'embedded over a socket',
    unavailable: async () => undefined,
    open: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'reeve-run-on-'))
      return { url: `embedded:${join(folder, 'store.sock')}`, close: () => rm(folder, { recursive: true }) }
    },
  },
  {
    name: 'redis',
    unavailable: () => RedisServer.available(),
    open: async () => {
      const server = await RedisServer.start()
      return { url: server.url, close: () => server.stop() }
    },
  },
]

let names = 0

/** Work that goes on until it is aborted, or for `forMs`, and says so in `calls`. */
function work(calls: Call[], member: string, forMs = Infinity) {
  return async (signal: AbortSignal, { fence, partition }: PeriodicTaskContext): Promise<void> => {
    const tell = (act: Call['act']): void => { calls.push({ member, act, fence, shard: partition?.shard, reason: signal.reason }) }
    tell('begin')
    const startedAt = performance.now()
    await until('the end of the run', () => signal.aborted || performance.now() - startedAt >= forMs)
    tell('end')
    signal.throwIfAborted()
  }
}

function periodic(coordinator: Coordinator, name: string): PeriodicTasks {
  return new PeriodicTasks({ name, log, coordinator })
}

for (const store of STORES) {
  const reason = await store.unavailable()
  describe(`over ${store.name}`, { skip: reason === undefined ? false : notRun(`tasks over ${store.name}`, reason) }, () => {
    let open: OpenStore
    let a: Coordinator
    let b: Coordinator

    before(async () => {
      open = await store.open()
      a = await getCoordinator(open.url, 'a', { ttlMs: 900, maxTtlMs: 1_000 })
      b = await getCoordinator(open.url, 'b', { ttlMs: 900, maxTtlMs: 1_000 })
      await a.start()
      await b.start()
      // A store that has just begun may have forgotten: it grants nothing for maxTtlMs.
      await a.lock('warm').use(() => {})
    })

    after(async () => {
      await b.stop()
      await a.stop()
      await open.close()
    })

    test("runOn 'leader': one process runs the task, with its term as the fence", async () => {
      const name = `tasks ${++names}`
      const calls: Call[] = []
      const [one, other] = [periodic(a, name), periodic(b, name)]
      for (const [member, tasks] of [['a', one], ['b', other]] as const) {
        tasks.register('task', { spacingMs: 20, runOn: 'leader' }, work(calls, member, 0))
        tasks.start()
      }
      await until('runs', () => calls.length >= 10)
      assert.equal(new Set(calls.map(({ member }) => member)).size, 1)
      assert.equal(new Set(calls.map(({ fence }) => fence)).size, 1)
      const leader = await a.election(`periodic/${name}/task`).leader()
      assert.deepEqual([leader?.memberId, leader?.epoch], [calls[0]?.member, calls[0]?.fence])
      assert.deepEqual([one, other].map((tasks) => tasks.status()[0]?.leading).sort(), [false, true])
      await Promise.all([one.stop(), other.stop()])
    })

    test("runOn 'leader': a change of leader aborts the run before another begins, with a greater fence", async () => {
      const name = `tasks ${++names}`
      const calls: Call[] = []
      const one = periodic(a, name)
      one.register('task', { spacingMs: 20, runImmediately: true, runOn: 'leader' }, work(calls, 'a'))
      one.start()
      await until('the first run', () => calls.length === 1)
      const other = periodic(b, name)
      other.register('task', { spacingMs: 20, runImmediately: true, runOn: 'leader' }, work(calls, 'b'))
      other.start()
      await until('a second candidate', async () => {
        const seen = await b.election(`periodic/${name}/task`).leader()
        return seen?.memberId === 'a'
      })
      await one.stop()
      await until('the second run', () => calls.length >= 3)
      assert.deepEqual(calls.map(({ member, act }) => `${member} ${act}`), ['a begin', 'a end', 'b begin'])
      assert.ok((calls[2]?.fence ?? 0n) > (calls[0]?.fence ?? 0n))
      assert.equal(one.status()[0]?.aborted, 1)
      await other.stop()
      assert.equal(await a.election(`periodic/${name}/task`).leader(), undefined)
    })

    test("runOn 'leader': the loss of the leadership aborts the run with LOCK_LOST, and another leads", async () => {
      const name = `tasks ${++names}`
      const calls: Call[] = []
      const third = await getCoordinator(open.url, `third ${names}`, { ttlMs: 900, maxTtlMs: 1_000 })
      const [one, other] = [periodic(third, name), periodic(b, name)]
      const options = { spacingMs: 20, runImmediately: true, runOn: 'leader' } as const
      one.register('task', options, work(calls, 'third'))
      one.start()
      await until('the first run', () => calls.length === 1)
      other.register('task', options, work(calls, 'b'))
      other.start()
      await third.stop()
      await until('the run of another', () => calls.some(({ member }) => member === 'b'))
      const end = await until('the end of the first run', () => calls.find(({ act }) => act === 'end'))
      assert.ok(hasCode(end.reason, 'LOCK_LOST'), String(end.reason))
      await Promise.all([one.stop(), other.stop()])
    })

    test("runOn 'partition': each shard is run by one process at a time, and all are run", async () => {
      const name = `tasks ${++names}`
      const calls: Call[] = []
      const [one, other] = [periodic(a, name), periodic(b, name)]
      const options = { spacingMs: 20, runOn: 'partition', partitions: 8 } as const
      one.register('task', options, work(calls, 'a', 0))
      other.register('task', options, work(calls, 'b', 0))
      one.start()
      await until('all shards run by one', () => one.status()[0]?.shards.length === 8)
      other.start()
      await until('a share for each', () => {
        const [mine, others] = [one, other].map((tasks) => tasks.status()[0]?.shards ?? [])
        return others && mine && others.length > 0 && mine.length + others.length === 8
      })
      calls.length = 0
      await until('a run of every shard', () => new Set(calls.map(({ shard }) => shard)).size === 8)
      const owners = new Map<number | undefined, Set<string>>()
      for (const { shard, member } of calls) owners.set(shard, (owners.get(shard) ?? new Set()).add(member))
      assert.ok([...owners.values()].every((members) => members.size === 1))
      await one.stop()
      await until('all shards run by the other', () => other.status()[0]?.shards.length === 8)
      await other.stop()
      assert.deepEqual(other.status()[0]?.shards, [])
      assert.ok(!(await a.groups()).includes(`periodic/${name}/task`))
    })

    test("runOn 'partition': isMine() says which keys are the run's, each in one shard", async () => {
      const tasks = periodic(a, `tasks ${++names}`)
      const found = new Map<string, number>()
      tasks.register('task', { spacingMs: 20, runImmediately: true, runOn: 'partition', partitions: 4 }, (_signal, { partition }) => {
        for (const key of ['volume-1', 'volume-2', 'volume-3']) if (partition?.isMine(key)) found.set(`${key} ${partition.shard}`, 1)
      })
      tasks.start()
      await until('runs of all shards', () => (tasks.status()[0]?.runs ?? 0) >= 12)
      assert.deepEqual([...found.keys()].map((text) => text.split(' ')[0]).sort(), ['volume-1', 'volume-2', 'volume-3'])
      await tasks.stop()
    })

    /** Fires of `expression` on two hosts, the second with a clock that is `lateMs` behind. */
    async function fireOnTwo(options: CronTaskOptions, lateMs: number, forRuns: number): Promise<{ fires: string[]; contexts: CronTaskContext[]; elsewhere: number }> {
      const name = `cron ${++names}`
      const fires: string[] = []
      const contexts: CronTaskContext[] = []
      const hosts = [new CronTasks({ name, log, coordinator: a }), new CronTasks({ name, log, coordinator: b, wallClock: () => Date.now() - lateMs })]
      for (const [i, cron] of hosts.entries()) {
        cron.schedule('* * * * * *', (_signal, context) => {
          fires.push(`${context.fireTime.getTime()}`)
          contexts.push(context)
          return i
        }, { name: 'task', ...options })
      }
      const elsewhere = (): number => hosts.reduce((sum, cron) => sum + (cron.status()[0]?.elsewhere ?? 0), 0)
      await until('fires', () => contexts.length >= forRuns && elsewhere() >= forRuns - 1)
      await Promise.all(hosts.map((cron) => cron.stop()))
      return { fires, contexts, elsewhere: elsewhere() }
    }

    test("runOn 'once': exactly one host runs each fire, though their clocks differ", async () => {
      for (const lateMs of [0, 1_500]) {
        const { fires, contexts } = await fireOnTwo({ runOn: 'once' }, lateMs, 3)
        assert.equal(new Set(fires).size, fires.length, fires.join())
        const fences = contexts.map(({ fence }) => fence ?? 0n)
        assert.ok(fences.every((fence, i) => fence > (fences[i - 1] ?? 0n)), 'the fence grows from run to run')
      }
    })

    test("runOn 'leader': only the leader runs fires", async () => {
      const { fires, contexts } = await fireOnTwo({ runOn: 'leader' }, 0, 2)
      assert.equal(new Set(fires).size, fires.length)
      assert.equal(new Set(contexts.map(({ epoch }) => epoch)).size, 1)
      assert.ok(contexts.every(({ epoch, fence }) => epoch !== undefined && epoch === fence))
    })

    test("runOn 'once' with noOverlap: no host begins while another is at an earlier fire", async () => {
      const name = `cron ${++names}`
      let running = 0
      let most = 0
      let runs = 0
      const hosts = [a, b].map((coordinator) => new CronTasks({ name, log, coordinator }))
      for (const cron of hosts) {
        cron.schedule('* * * * * *', async () => {
          most = Math.max(most, ++running)
          const end = performance.now() + 1_400
          await until('the end of the run', () => performance.now() > end)
          running--
          runs++
        }, { name: 'task', runOn: 'once' })
      }
      await until('skipped fires', () => runs >= 2 && hosts.some((cron) => (cron.status()[0]?.skipped ?? 0) > 0))
      assert.equal(most, 1)
      await Promise.all(hosts.map((cron) => cron.stop()))
    })

    test('a fire stays taken after the host that ran it has stopped', async () => {
      const name = `cron ${++names}`
      const first = new CronTasks({ name, log, coordinator: a })
      const task = first.schedule('* * * * * *', () => {}, { name: 'task', runOn: 'once' })
      await until('a run', () => task.status().runs > 0)
      await first.stop()
      const last = task.status().lastFire ?? assert.fail()
      const lock = b.lock(`cron/${name}/task/${last.toISOString()}`)
      assert.equal(await lock.tryAcquire(), undefined)
      const view = await lock.inspect()
      assert.deepEqual(view?.holders, [])
      assert.ok((view?.closedMs ?? 0) > 50_000)
    })
  })
}
