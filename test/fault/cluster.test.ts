/** Locks in a Cluster: slots that move under them, and masters that die. Of a master that died only the fences are promised. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { getCoordinator } from '#src/coordination/get-coordinator.js'
import { LockTrial } from '../support/lock-trial.js'
import { until } from '../support/processes.js'
import type { RedisServer } from '../support/redis.js'
import { RedisCluster, withoutRedis } from '../support/redis-topologies.js'
import { assertFenced, assertKept } from '../support/soak-locks.js'

const skip = await withoutRedis('locks in a Cluster')
/** What the workers of a trial take. */
const TRIED = ['mutex 1', 'mutex 2', 'mutex {3}', 'semaphore', 'document']

async function startCluster(t: TestContext, options?: { readonly replicated?: boolean }): Promise<RedisCluster> {
  const cluster = await RedisCluster.start(options)
  t.after(() => cluster.stop())
  return cluster
}

async function placeOf(cluster: RedisCluster, lock: string): Promise<{ readonly slot: number; readonly owner: RedisServer }> {
  const slot = await cluster.slotOf(`reeve:{lock:${lock}}`)
  return { slot, owner: await cluster.ownerOf(slot) }
}

/** To the node after the one that has it. */
async function moveLock(cluster: RedisCluster, lock: string): Promise<void> {
  const { slot, owner } = await placeOf(cluster, lock)
  const next = cluster.nodes[(cluster.nodes.indexOf(owner) + 1) % cluster.nodes.length]
  assert.ok(next)
  await cluster.moveSlot(slot, owner, next)
}

/** One of `v1`, `v2`… whose slot that node has. */
async function lockOn(cluster: RedisCluster, node: RedisServer | undefined): Promise<string> {
  for (let number = 1; ; number++) {
    if ((await placeOf(cluster, `v${number}`)).owner === node) return `v${number}`
  }
}

test('a lock moves with its slot: its holder keeps it, its waiter gets it, and the fence grows', { skip }, async (t) => {
  const cluster = await startCluster(t)
  const options = { ttlMs: 30_000, maxTtlMs: 30_000, commandTimeoutMs: 1_000 }
  await using first = await getCoordinator(cluster.url, 'first', options)
  await using second = await getCoordinator(cluster.url, 'second', options)
  const held = await first.lock('volume').acquire()
  const next = second.lock('volume').acquire()
  await until('the second waits', async () => (await first.lock('volume').inspect())?.waiters.length === 1)
  await moveLock(cluster, 'volume')
  await moveLock(cluster, 'volume')
  assert.equal(await held.isStillOwner(), true)
  assert.equal(await second.lock('volume').tryAcquire(), undefined)
  assert.equal(await held.release(), true)
  const granted = await next
  assert.ok(granted.fence > held.fence, `${granted.fence} after ${held.fence}`)
})

test('locks keep their word while their slots move', { skip }, async (t) => {
  const cluster = await startCluster(t)
  const trial = await LockTrial.start(cluster)
  t.after(() => trial.close())
  for (let round = 0; round < 3; round++) {
    for (const lock of TRIED) await moveLock(cluster, lock)
    await trial.progress()
  }
  assertKept(await trial.judge(), true)
})

test('locks of a master that died are not available and those of the others are; its holder is told, and its fences grow when it is back', { skip }, async (t) => {
  const cluster = await startCluster(t)
  const [one, , third] = cluster.nodes
  assert.ok(third)
  const options = { ttlMs: 2_000, maxTtlMs: 2_000, commandTimeoutMs: 500 }
  await using first = await getCoordinator(cluster.url, 'first', options)
  await using second = await getCoordinator(cluster.url, 'second', options)
  const [gone, there] = [await lockOn(cluster, third), await lockOn(cluster, one)]
  const lost = await first.lock(gone).acquire()
  const kept = await second.lock(there).acquire()
  const told = new Promise((resolve) => lost.lost.addEventListener('abort', resolve, { once: true }))
  await third.kill()
  await assert.rejects(second.lock(gone).tryAcquire(), { code: 'COORDINATION_UNAVAILABLE' })
  assert.equal(await first.lock(there).tryAcquire(), undefined)
  await told
  assert.equal(lost.held, false)
  // The one is lost because it could not be renewed; this one was, for as long.
  assert.equal(await kept.isStillOwner(), true)
  assert.equal(await kept.release(), true)
  const other = await first.lock(there).tryAcquire()
  assert.ok(other && other.fence > kept.fence)
  await third.restart()
  const again = await second.lock(gone).acquire({ timeoutMs: 30_000 })
  assert.ok(again.fence > lost.fence, `${again.fence} after ${lost.fence}`)
})

test('no update is lost when a master dies and its replica takes its place', { skip }, async (t) => {
  const cluster = await startCluster(t, { replicated: true })
  const trial = await LockTrial.start(cluster)
  t.after(() => trial.close())
  const { slot, owner } = await placeOf(cluster, 'mutex 1')
  const witness = cluster.nodes.find((node) => node !== owner)
  await owner.kill()
  await until('its replica has the slot', async () => await cluster.ownerOf(slot, witness).catch(() => owner) !== owner, 60_000)
  await trial.progress()
  assertFenced(await trial.judge(({ call }) => call))
})
