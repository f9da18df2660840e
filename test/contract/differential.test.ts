/**
 * The scripts of the Redis driver against the tables of the embedded one: the same
 * random calls at the same times, and after each the same answer and the same state.
 * DIFFERENTIAL_RUNS=20000 is the long form.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { RedisStore } from '#src/coordination/redis/redis-store.js'
import { DirectRedisPort } from '../support/direct-redis-port.js'
import { notRun } from '../support/not-run.js'
import { RedisServer } from '../support/redis.js'
import { ModelStore, type Judged } from './store/model-store.js'
import { GROUPS, groupSequences, leaseSequences, make, NAMES, type Call } from './store/random-calls.js'

const RUNS = Number(process.env['DIFFERENTIAL_RUNS'] ?? 150)
const START_US = 1_800_000_000_000_000

const reason = await RedisServer.available()
const skip = reason !== undefined && notRun('the differential test of the Redis scripts', reason)

describe('RedisStore', { skip }, () => {
  let server: RedisServer
  let port: DirectRedisPort

  before(async () => {
    server = await RedisServer.start()
    port = await DirectRedisPort.connect(server.port)
  })
  after(async () => {
    await port.close()
    await server.stop()
  })

  test('answers about leases as the model does', async () => {
    await fc.assert(fc.asyncProperty(leaseSequences, (calls) => compare(port, calls, leaseState)), { numRuns: RUNS })
  })

  test('answers about groups as the model does', async () => {
    await fc.assert(fc.asyncProperty(groupSequences, (calls) => compare(port, calls, groupState)), { numRuns: RUNS })
  })
})

async function compare(port: DirectRedisPort, calls: readonly Call[], stateOf: (store: Judged) => Promise<unknown>): Promise<void> {
  await port.redis.multi().flushall().set('reeve:epoch', port.verified.value).exec()
  let now = START_US
  const model = new ModelStore(() => now)
  const redis = new RedisStore(port, { now: () => now })
  for (const [index, call] of calls.entries()) {
    now += call.stepUs
    const [expected, actual] = [await make(model, call), await make(redis, call)]
    assertSameReply(actual, expected, `the answer of call ${index}, ${call.method},`)
    assert.deepEqual(await stateOf(redis), await stateOf(model), `the state after call ${index}, ${call.method}`)
  }
}

/** A store may say to ask again too soon, which costs a request, but never too late. */
function assertSameReply(actual: unknown, expected: unknown, what: string): void {
  const [soon, latest] = [retryMs(actual), retryMs(expected)]
  if (soon === undefined || latest === undefined) {
    assert.deepEqual(actual, expected, what)
    return
  }
  assert.ok(soon >= 1 && soon <= Math.max(1, latest), `${what} says to retry in ${soon} ms, but it ends in ${latest} ms`)
  assert.deepEqual({ ...actual as object, retryMs: 0 }, { ...expected as object, retryMs: 0 }, what)
}

function retryMs(reply: unknown): number | undefined {
  return (reply as { readonly retryMs?: number } | undefined)?.retryMs
}

async function leaseState(store: Judged): Promise<unknown> {
  return Promise.all([store.listResources('lock'), store.listResources('leader'), ...NAMES.map((name) => store.readResource(name))])
}

async function groupState(store: Judged): Promise<unknown> {
  return Promise.all([store.listGroups(), ...GROUPS.flatMap((group) => [store.readGroup(group), store.groupVersion(group)])])
}
