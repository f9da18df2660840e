/** Processes that are in a group and in elections of a real Redis, and what may befall them and it. */
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { GROUP_TTL_MS, MemberTrial } from '../support/member-trial.js'
import { until } from '../support/processes.js'
import { ProxiedRedis } from '../support/proxied-redis.js'
import { withoutRedis } from '../support/redis-topologies.js'
import { TcpProxy } from '../support/tcp-proxy.js'

const MEMBERS = 4
/** Longer than any member may be silent. */
const TOO_LONG_MS = GROUP_TTL_MS + 1_000

/** What a fault is done to. */
interface Scene {
  readonly trial: MemberTrial
  readonly redis: ProxiedRedis
}

interface Fault {
  readonly name: string
  strike(scene: Scene): Promise<void>
}

/** None of these is anybody's absence: nobody is dropped, and everybody who could not beat for a ttl is told. */
const OUTAGES: readonly Fault[] = [
  { name: 'a server that is killed and comes back empty', strike: ({ redis }) => redis.server.restart('SIGKILL') },
  { name: 'FLUSHALL', strike: async ({ redis }) => { await redis.server.command('FLUSHALL') } },
  {
    name: 'a server that stands still beyond all ttls',
    strike: async ({ redis }) => {
      redis.server.signal('SIGSTOP')
      await sleep(TOO_LONG_MS)
      redis.server.signal('SIGCONT')
    },
  },
  {
    name: 'a network that holds everything back beyond all ttls',
    strike: async ({ redis }) => {
      redis.proxy.blackhole()
      await sleep(TOO_LONG_MS)
      redis.proxy.pass()
    },
  },
]

/** Changes that are seen, although messages were lost. */
const CHANGES: readonly Fault[] = [
  {
    name: 'kill -9 of the leader and of another member, and others in their place',
    strike: async ({ trial }) => {
      const leader = await trial.leader() ?? ''
      await trial.kill(leader)
      await trial.kill(trial.living[0] ?? '')
      await trial.converged()
      await Promise.all([trial.join(), trial.join()])
    },
  },
  {
    name: 'CLIENT KILL TYPE pubsub in the moment of a change',
    strike: async ({ trial, redis }) => {
      await redis.server.command('CLIENT', 'KILL', 'TYPE', 'pubsub')
      await Promise.all([trial.kill(trial.living[0] ?? ''), trial.join()])
    },
  },
]

/** After the fault all see what there is, and nothing was wrong meanwhile. */
async function play(context: TestContext, strike: (scene: Scene) => Promise<void>): Promise<void> {
  const redis = await ProxiedRedis.start()
  const trial = await MemberTrial.start(redis, MEMBERS)
  context.after(() => trial.close())
  await strike({ trial, redis })
  await trial.converged()
  await trial.progress()
  const { terms, ...faults } = await trial.judge()
  assert.deepEqual(faults, { wrongLeaves: [], overlaps: [], epochs: [], disorders: [], crashes: [] })
  assert.ok(terms >= 10, `only ${terms} terms`)
}

const skip = await withoutRedis('groups and leaders under faults')

describe('groups and elections of several processes over Redis', { skip }, () => {
  for (const fault of OUTAGES) {
    test(`drop nobody in ${fault.name}, and tell everybody that rejoined`, (context) => play(context, async (scene) => {
      await fault.strike(scene)
      await until('all are told', () => scene.trial.living.every((name) => scene.trial.rejoinedOf(name) > 0))
    }))
  }

  for (const fault of CHANGES) {
    test(`show who is there after ${fault.name}`, (context) => play(context, fault.strike))
  }

  test('drop one that is cut off, and take it in again, which is told', (context) => play(context, async ({ trial, redis }) => {
    const own = await TcpProxy.start(redis.server.port)
    context.after(() => own.stop())
    const name = await trial.join(`redis://127.0.0.1:${own.port}`)
    await trial.converged()
    trial.excuse(name)
    own.blackhole()
    await until('the others see it no more', () => trial.watchersOf(name).length <= 1)
    own.pass()
    await until('it is told', () => trial.rejoinedOf(name) > 0)
  }))
})
