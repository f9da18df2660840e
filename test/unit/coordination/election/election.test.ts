import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Election, Leader } from '#src/coordination/contract.js'
import { createElection } from '#src/coordination/election/election.js'
import { readLeaders } from '#src/coordination/election/leader.js'
import { LeaseKeeper } from '#src/coordination/lease/lease-keeper.js'
import { scriptedWorld, type ScriptedStore } from '../../../support/scripted-store.js'

function world(t: TestContext) {
  const { clock, time, connect, close } = scriptedWorld()
  const keepers: LeaseKeeper[] = []
  t.after(async () => {
    for (const keeper of keepers) await keeper.stop()
    await close()
    await clock.advance(60_000)
    assert.equal(clock.sleepers, 0)
  })
  const member = (memberId: string): { election: Election; keeper: LeaseKeeper; store: ScriptedStore } => {
    const store = connect()
    const keeper = new LeaseKeeper(store, { memberId, incarnation: '1', time, random: () => 0.5, record: { host: 'h1' }, ttlMs: 15_000, maxTtlMs: 60_000 })
    keepers.push(keeper)
    return { election: createElection(keeper, store, 'cleaner'), keeper, store }
  }
  return { clock, member }
}

test('campaign() elects one, and the next when it resigns', async (t) => {
  const { clock, member } = world(t)
  const [a, b] = [member('a'), member('b')]
  const first = await a.election.campaign({ value: { port: 1 } })
  const second = b.election.campaign()
  await clock.advance(10)
  assert.deepEqual([first.leading, await b.election.leader()].map((each) => typeof each === 'object' ? [each.memberId, each.epoch, each.value] : each), [true, ['a', first.epoch, { port: 1 }]])
  assert.equal(await first.resign(), true)
  assert.ok((await second).epoch > first.epoch)
  assert.equal((await a.election.leader())?.memberId, 'b')
  assert.deepEqual((await readLeaders(a.store)).map(({ name, leader }) => [name, leader.memberId]), [['cleaner', 'b']])
})

test('campaign() refuses a value that is not JSON', async (t) => {
  const { member } = world(t)
  const { election } = member('a')
  await assert.rejects(election.campaign({ value: 1n }), TypeError)
  await assert.rejects(election.campaign({ value: () => 1 }), TypeError)
})

test('yieldTo() gives the lead to that candidate only', async (t) => {
  const { clock, member } = world(t)
  const first = await member('a').election.campaign()
  const [b, c] = [member('b').election.campaign({ timeoutMs: 1_000 }), member('c').election.campaign()]
  const late = assert.rejects(b, { code: 'LOCK_TIMEOUT' })
  await clock.advance(10)
  assert.equal(await first.yieldTo('nobody'), false)
  assert.ok(first.leading)
  assert.equal(await first.yieldTo('c'), true)
  assert.ok((await c).leading && !first.leading)
  await clock.advance(1_000)
  await late
})

test('leader() counts only a living lease', async (t) => {
  const { clock, member } = world(t)
  const a = member('a')
  const leadership = await a.election.campaign()
  a.store.always('extend', 'fail')
  a.store.always('release', 'fail')
  await clock.advance(15_100)
  assert.ok(leadership.lost.aborted)
  assert.equal(await member('b').election.leader(), undefined)
})

test('proclaim() tells observers, and throws LOCK_LOST when another may lead', async (t) => {
  const { clock, member } = world(t)
  const a = member('a')
  const leadership = await a.election.campaign({ value: 1 })
  const { seen, stop, done } = observe(member('b').election)
  await clock.advance(10)
  await leadership.proclaim(2)
  await clock.advance(10)
  await a.store.forceRelease({ name: 'leader:cleaner', by: 'me', lockDelayMs: 0 })
  await assert.rejects(leadership.proclaim(3), { code: 'LOCK_LOST' })
  await clock.advance(10)
  stop()
  await done
  assert.deepEqual(seen.map((leader) => leader?.value), [1, 2, undefined])
})

test('observe() yields the present first, misses no final state when messages are lost, and ends with its signal', async (t) => {
  const { clock, member } = world(t)
  const b = member('b')
  b.store.deaf = true
  b.store.next('readResource', 'fail')
  const { seen, stop, done } = observe(b.election)
  await clock.advance(1_000)
  assert.equal(seen.length, 1)
  const a = await member('a').election.campaign()
  await clock.advance(30_000)
  assert.deepEqual(seen.map((leader) => leader?.memberId), [undefined, 'a'])
  await a.resign()
  b.store.gap()
  await clock.advance(10)
  assert.deepEqual(seen.map((leader) => leader?.memberId), [undefined, 'a', undefined])
  stop()
  await done
})

test('observe() ends when the keeper stops', async (t) => {
  const { clock, member } = world(t)
  const { election, keeper } = member('a')
  const { done } = observe(election)
  await clock.advance(10)
  await keeper.stop()
  await done
})

function observe(election: Election): { seen: (Leader | undefined)[]; stop: () => void; done: Promise<void> } {
  const seen: (Leader | undefined)[] = []
  const stop = new AbortController()
  const run = async (): Promise<void> => {
    for await (const leader of election.observe({ signal: stop.signal })) seen.push(leader)
  }
  return { seen, stop: () => { stop.abort() }, done: run() }
}
