/** Locks whose Redis fails over: what the promoted server never had, and a master that does not know that it is none any more. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { getCoordinator } from '#src/coordination/get-coordinator.js'
import { monotonicMs } from '../support/history.js'
import { LockTrial } from '../support/lock-trial.js'
import { until } from '../support/processes.js'
import { SentinelTrio, withoutRedis } from '../support/redis-topologies.js'
import { assertFenced, assertKept } from '../support/soak-locks.js'

const skip = await withoutRedis('locks over Sentinel')

async function startTrio(t: TestContext, args: readonly string[] = []): Promise<SentinelTrio> {
  const trio = await SentinelTrio.start(args)
  t.after(() => trio.stop())
  return trio
}

/** Says of a new master that it has forgotten nothing: it grants at once. */
async function trust({ master }: SentinelTrio): Promise<void> {
  const runId = /run_id:(\w+)/.exec(await master.command('INFO', 'server'))?.[1]
  await master.command('SET', 'reeve:epoch', `${runId} 0 0`)
}

test('a lock that the promoted server never had is not given to another while its holder may work', { skip }, async (t) => {
  const trio = await startTrio(t)
  await trust(trio)
  const options = { ttlMs: 6_000, maxTtlMs: 6_000, commandTimeoutMs: 500 }
  await using first = await getCoordinator(trio.url, 'first', options)
  await using second = await getCoordinator(trio.url, 'second', options)
  await trio.cutReplication()
  const held = await first.lock('volume').acquire()
  let lostAt = Infinity
  held.lost.addEventListener('abort', () => { lostAt = monotonicMs() })
  await trio.master.kill()
  assert.ok(held.held, 'held when its server died')
  const next = second.lock('volume').acquire()
  await trio.promoted()
  await until('nothing is granted', async () => (await second.status()).quarantinedMs > 0)
  assert.equal(await trio.replica.command('EXISTS', 'reeve:{lock:volume}'), '0')
  assert.equal(await second.lock('volume').tryAcquire(), undefined)
  const granted = await next
  assert.ok(lostAt < monotonicMs(), 'the first was told before')
  assert.equal(held.held, false)
  assert.equal((held.lost.reason as { readonly code?: string }).code, 'LOCK_LOST')
  assert.ok(granted.fence > held.fence, `${granted.fence} after ${held.fence}`)
  assert.equal((await second.status()).quarantinedMs, 0)
})

test('a lock that a replica has outlives its server', { skip }, async (t) => {
  const trio = await startTrio(t)
  await trust(trio)
  const options = { durability: 'replica', ttlMs: 20_000, maxTtlMs: 20_000, commandTimeoutMs: 500 } as const
  await using first = await getCoordinator(trio.url, 'first', options)
  await using second = await getCoordinator(trio.url, 'second', options)
  const held = await first.lock('volume').acquire()
  await trio.master.kill()
  await trio.promoted()
  assert.ok(await until('its holder is asked again', () => held.isStillOwner().catch(() => undefined)))
  const view = await until('it is seen', () => second.lock('volume').inspect().catch(() => undefined))
  assert.deepEqual(view.holders.map(({ memberId, fence }) => ({ memberId, fence })), [{ memberId: 'first', fence: held.fence }])
  assert.equal(await held.release(), true)
})

test('locks keep their word when what was granted last is lost with the master, and again in the next failover', { skip }, async (t) => {
  const trio = await startTrio(t)
  const trial = await LockTrial.start(trio)
  t.after(() => trial.close())
  await trio.cutReplication()
  await trial.progress()
  await trio.master.kill()
  await trio.promoted()
  await trial.progress()
  // It comes back as a master, and empty.
  await trio.master.restart()
  await trio.demoted(trio.master)
  await trial.progress()
  await trio.replica.kill()
  await trio.promoted(trio.master)
  await trial.progress()
  assertKept(await trial.judge(({ call }) => call), true)
})

test('no update is lost when a master that stood still goes on beside the promoted one', { skip }, async (t) => {
  const trio = await startTrio(t, ['--min-replicas-to-write', '1'])
  const trial = await LockTrial.start(trio)
  t.after(() => trial.close())
  trio.master.signal('SIGSTOP')
  await trio.promoted()
  trio.master.signal('SIGCONT')
  // Nobody follows it: it takes nothing more, neither before the sentinels have told it nor after.
  const answer = await until('it answers', () => trio.master.command('SET', 'reeve:x', 'y').catch(() => undefined))
  assert.match(answer, /^(?:NOREPLICAS|READONLY)/)
  await trio.demoted(trio.master)
  await trial.progress()
  assertFenced(await trial.judge(({ call }) => call))
})
