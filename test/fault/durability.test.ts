/** Leases that count only when a replica has them, and stores that cannot keep what they acknowledge. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { codeOf } from '#src/base/errors.js'
import type { CoordinatorOptions } from '#src/coordination/contract.js'
import { getCoordinator } from '#src/coordination/get-coordinator.js'
import { until } from '../support/processes.js'
import { RedisServer } from '../support/redis.js'
import { RedisCluster, withoutRedis } from '../support/redis-topologies.js'

const skip = await withoutRedis('durability')
const SAFE = { safety: 'strict', durability: 'replica' } as const

async function serve(t: TestContext, args: readonly string[] = []): Promise<RedisServer> {
  const server = await RedisServer.start(args)
  t.after(() => server.stop())
  return server
}

async function serveReplicated(t: TestContext, args: readonly string[] = []): Promise<{ readonly master: RedisServer; readonly replica: RedisServer }> {
  const master = await serve(t, ['--repl-diskless-sync-delay', '0', ...args])
  return { master, replica: await serve(t, ['--replicaof', '127.0.0.1', String(master.port)]) }
}

/** Why such a store is refused. */
async function reasonsOf(url: string, options: CoordinatorOptions = {}): Promise<readonly string[]> {
  await using coordinator = await getCoordinator(url, 'm', { safety: 'strict', ...options })
  try {
    await coordinator.start()
    return []
  } catch (error) {
    assert.equal(codeOf(error), 'COORDINATION_UNSAFE')
    return (error as { readonly details: { readonly reasons: readonly string[] } }).details.reasons
  }
}

const ASYNC = 'durability is async (set it to replica)'
const ALONE = 'min-replicas-to-write is 0 (set it to 1 or more)'

for (const end of ['killed', 'standing still'] as const) {
  test(`acquire() with durability "replica" rejects while the replica is ${end}, leaves nothing behind, and grants when it is back`, { skip }, async (t) => {
    const { master, replica } = await serveReplicated(t)
    const options = { ttlMs: 2_000, maxTtlMs: 2_000, commandTimeoutMs: 500 }
    await using durable = await getCoordinator(`${master.url}?durability=replica`, 'durable', options)
    await using other = await getCoordinator(master.url, 'other', options)
    const lock = durable.lock('volume')
    const held = await until('it is granted', () => lock.acquire().catch(notReplicated))
    assert.equal(await held.release(), true)
    if (end === 'killed') await replica.kill()
    else replica.signal('SIGSTOP')
    await assert.rejects(lock.acquire(), { code: 'COORDINATION_NOT_REPLICATED', message: /Cannot acquire "lock:volume" as a replica must have it/ })
    await assert.rejects(lock.tryAcquire(), { code: 'COORDINATION_NOT_REPLICATED' })
    assert.equal(await lock.inspect(), undefined)
    assert.doesNotMatch(await master.command('HKEYS', 'reeve:{lock:volume}'), /holder:|waiter:/)
    assert.equal(await master.command('EXISTS', 'reeve:{lock:volume}:queue'), '0')
    const free = await other.lock('volume').tryAcquire()
    assert.ok(free && free.fence > held.fence)
    assert.equal(await free.release(), true)
    if (end === 'killed') await replica.restart()
    else replica.signal('SIGCONT')
    assert.ok((await until('it is granted again', () => lock.acquire().catch(notReplicated))).fence > free.fence)
  })
}

function notReplicated(error: unknown): undefined {
  assert.equal(codeOf(error), 'COORDINATION_NOT_REPLICATED')
}

test('a strict store takes nothing any more when its last replica is gone', { skip }, async (t) => {
  const { master, replica } = await serveReplicated(t, ['--min-replicas-to-write', '1'])
  await using coordinator = await getCoordinator(master.url, 'm', { ...SAFE, ttlMs: 1_000, maxTtlMs: 1_000, commandTimeoutMs: 500 })
  const held = await until('it is granted', () => coordinator.lock('volume').acquire().catch(refused))
  const told = new Promise((resolve) => held.lost.addEventListener('abort', resolve, { once: true }))
  await replica.kill()
  await until('the master knows', async () => (await master.command('INFO', 'replication')).includes('connected_slaves:0'))
  await assert.rejects(coordinator.lock('other').tryAcquire(), { code: 'COORDINATION_REFUSED', message: /min-replicas-to-write/ })
  await told
  assert.equal(await master.command('EXISTS', 'reeve:{lock:other}'), '0')
})

/** While the replica is not yet there. */
function refused(error: unknown): undefined {
  assert.ok(['COORDINATION_REFUSED', 'COORDINATION_NOT_REPLICATED', 'COORDINATION_UNAVAILABLE'].includes(codeOf(error) ?? ''))
}

test('safety "strict" refuses one Redis with every reason, and takes it when there is none', { skip }, async (t) => {
  const { master } = await serveReplicated(t)
  assert.deepEqual(await reasonsOf(master.url), [ASYNC, ALONE])
  await master.command('CONFIG', 'SET', 'maxmemory-policy', 'volatile-ttl')
  assert.deepEqual(await reasonsOf(master.url, SAFE), [ALONE, 'maxmemory-policy is volatile-ttl (set it to noeviction)'])
  await master.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
  await master.command('CONFIG', 'SET', 'min-replicas-to-write', '1')
  assert.deepEqual(await reasonsOf(master.url), [ASYNC])
  await until('its replica follows', async () => (await master.command('INFO', 'replication')).includes('min_slaves_good_slaves:1'))
  assert.deepEqual(await reasonsOf(master.url, SAFE), [])
})

test('safety "strict" refuses a Redis that does not tell what it is', { skip }, async (t) => {
  const server = await serve(t)
  await server.command('ACL', 'SETUSER', 'blind', 'on', '>pw', '~*', '&*', '+@all', '-info', '-config')
  assert.deepEqual(await reasonsOf(`redis://blind:pw@127.0.0.1:${server.port}`, SAFE), [
    ALONE, 'maxmemory-policy is not known (the server does not tell it)', 'run_id is not known (the server does not tell it)',
  ])
})

test('safety "strict" refuses a Cluster, and durability "replica" what is kept in one process', { skip }, async (t) => {
  const cluster = await RedisCluster.start()
  t.after(() => cluster.stop())
  const [first, ...others] = await reasonsOf(cluster.url)
  assert.match(first ?? '', /^a failover in a Cluster may forget leases unseen/)
  assert.deepEqual(others, [ASYNC, ALONE])
  await using embedded = await getCoordinator('embedded:', 'm', { durability: 'replica' })
  await assert.rejects(embedded.start(), { code: 'COORDINATION_UNSAFE' })
})
