import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { EmbeddedStore } from '#src/coordination/embedded/embedded-store.js'
import { HostMembership } from '#src/coordination/group/host-membership.js'
import { livingMembers } from '#src/coordination/group/group-state.js'
import type { BeatRequest } from '#src/coordination/store.js'
import { FakeClock } from '../../../support/fake-clock.js'
import { wire, type Wire } from '../../../support/wired-store.js'

const TTL_MS = 15_000

interface Setting {
  readonly clock: FakeClock
  readonly embedded: EmbeddedStore
  readonly net: Wire
  readonly membership: HostMembership
  readonly rejoined: readonly string[]
  readonly logged: readonly string[]
}

/** A host `h1` in a store of its own; after the test nothing sleeps. */
function setting(context: TestContext): Setting {
  const clock = new FakeClock()
  const embedded = new EmbeddedStore({ clock })
  const net = wire(embedded.client('h1'))
  const logged: string[] = []
  const log = { info: (message: string) => logged.push(message), warn: (message: string) => logged.push(message) }
  const membership = new HostMembership(net.store, { hostMember: 'h1', host: 'host1', pid: 42, clock, random: () => 0.5, log })
  const rejoined: string[] = []
  membership.onRejoined((group) => rejoined.push(group))
  context.after(async () => {
    await membership.stop()
    await embedded.close()
    await clock.advance(0)
    assert.equal(clock.sleepers, 0, 'something sleeps still')
  })
  return { clock, embedded, net, membership, rejoined, logged }
}

async function idsIn(store: EmbeddedStore, group: string): Promise<readonly string[]> {
  return livingMembers(await store.readGroup(group)).map(({ id }) => id)
}

/** The requests of each beat command so far. */
function beats(net: Wire): readonly (readonly BeatRequest[])[] {
  return net.calls.filter(({ name }) => name === 'beat').map(({ args }) => args[0] as readonly BeatRequest[])
}

/** One more host that beats, so that the dead are dropped. */
async function beatAs(store: EmbeddedStore, group: string, member: string): Promise<void> {
  await store.beat([{ group, member, ttlMs: TTL_MS, keep: false, record: undefined }])
}

describe('HostMembership.put()', () => {
  test('puts a member into the record of its host', async (t) => {
    const { embedded, membership } = setting(t)
    await membership.put('g', 'w/0', { weight: 2 }, TTL_MS)
    const { members } = await embedded.readGroup('g')
    assert.deepEqual(members.map(({ id, record }) => ({ id, record })), [{ id: 'h1', record: { host: 'host1', pid: 42, members: { 'w/0': { weight: 2 } } } }])
  })

  test('makes one command of what is put in one moment, in several groups', async (t) => {
    const { embedded, net, membership } = setting(t)
    await Promise.all(Array.from({ length: 64 }, (_, worker) => ['a', 'b'].map((group) => membership.put(group, `w/${worker}`, {}, TTL_MS))).flat())
    assert.equal(net.count('beat'), 1)
    assert.equal((await idsIn(embedded, 'b')).length, 64)
  })

  test('sends nothing when nothing is new', async (t) => {
    const { net, membership } = setting(t)
    await membership.put('g', 'w/0', { weight: 2 }, TTL_MS)
    await membership.put('g', 'w/0', { weight: 2 }, TTL_MS)
    assert.equal(net.count('beat'), 1)
    await membership.put('g', 'w/0', { weight: 3 }, TTL_MS)
    assert.equal(net.count('beat'), 2)
  })

  test('waits for a store that is away', async (t) => {
    const { clock, embedded, net, membership, logged } = setting(t)
    net.cut()
    let done = false
    const put = membership.put('g', 'w/0', {}, TTL_MS).then(() => { done = true })
    await clock.advance(20_000)
    assert.equal(done, false)
    net.mend()
    await clock.advance(5_500)
    await put
    assert.deepEqual(await idsIn(embedded, 'g'), ['w/0'])
    assert.deepEqual(logged, ['beats of groups are not answered', 'beats of groups are answered again'])
  })

  test('rejects what the store refuses, and takes it back', async (t) => {
    const { clock, embedded, net, membership } = setting(t)
    await membership.put('g', 'w/0', { weight: 1 }, TTL_MS)
    net.cut('asked', 'COORDINATION_REFUSED')
    await assert.rejects(membership.put('g', 'w/0', { weight: 2 }, TTL_MS), { code: 'COORDINATION_REFUSED' })
    await assert.rejects(membership.put('other', 'w/0', {}, TTL_MS), { code: 'COORDINATION_REFUSED' })
    net.mend()
    await clock.advance(6_000)
    assert.deepEqual(livingMembers(await embedded.readGroup('g'))[0]?.capabilities, { weight: 1 })
    assert.deepEqual(await embedded.listGroups(), ['g'])
  })

  test('refuses what is no object of JSON, and everything after stop()', async (t) => {
    const { membership } = setting(t)
    await assert.rejects(membership.put('g', 'w/0', [] as never, TTL_MS), TypeError)
    await membership.stop()
    await assert.rejects(membership.put('g', 'w/0', {}, TTL_MS), { code: 'COORDINATOR_STOPPED' })
  })
})

describe('HostMembership beats', () => {
  test('are one command an interval for 64 workers in 3 groups, without records', async (t) => {
    const { clock, net, membership } = setting(t)
    for (const group of ['a', 'b', 'c']) await Promise.all(Array.from({ length: 64 }, (_, worker) => membership.put(group, `w/${worker}`, {}, TTL_MS)))
    net.clear()
    await clock.advance(60_000)
    assert.equal(net.calls.length, 12)
    assert.ok(beats(net).every((requests) => requests.length === 3 && requests.every(({ record }) => record === undefined)))
  })

  test('follow the shortest ttl', async (t) => {
    const { clock, net, membership } = setting(t)
    await membership.put('slow', 'w/0', {}, 60_000)
    await membership.put('fast', 'w/0', {}, 3_000)
    net.clear()
    await clock.advance(10_000)
    assert.equal(net.count('beat'), 10)
  })

  test('that fail are tried again after 1, 2, 4 and then 5 s', async (t) => {
    const { clock, net, membership } = setting(t)
    await membership.put('g', 'w/0', {}, TTL_MS)
    net.cut()
    net.clear()
    const counts: number[] = []
    for (const ms of [5_000, 1_000, 2_000, 4_000, 5_000, 5_000]) {
      await clock.advance(ms)
      counts.push(net.count('beat'))
    }
    assert.deepEqual(counts, [1, 2, 3, 4, 5, 6])
  })

  test('send the record at once to a store that has forgotten, and tell of it', async (t) => {
    const { clock, embedded, membership, rejoined } = setting(t)
    await membership.put('g', 'w/0', { weight: 2 }, TTL_MS)
    assert.deepEqual(rejoined, [])
    await embedded.leave({ group: 'g', member: 'h1' })
    await clock.advance(5_000)
    assert.deepEqual(livingMembers(await embedded.readGroup('g'))[0]?.capabilities, { weight: 2 })
    assert.deepEqual(rejoined, ['g'])
  })

  test('tell of it after a time in which others saw the members as dead', async (t) => {
    const { clock, embedded, net, membership, rejoined } = setting(t)
    await membership.put('g', 'w/0', {}, TTL_MS)
    net.cut()
    for (let beat = 0; beat < 4; beat++) {
      await clock.advance(5_000)
      await beatAs(embedded, 'g', 'h2')
    }
    assert.deepEqual(await idsIn(embedded, 'g'), [])
    net.mend()
    await clock.advance(5_000)
    assert.deepEqual(await idsIn(embedded, 'g'), ['w/0'])
    assert.deepEqual(rejoined, ['g'])
  })

  test('whose answer was lost leave no member without its record', async (t) => {
    const { clock, embedded, net, membership, rejoined } = setting(t)
    await membership.put('g', 'w/0', { weight: 2 }, TTL_MS)
    await embedded.leave({ group: 'g', member: 'h1' })
    net.cut('answered')
    await clock.advance(5_000)
    assert.deepEqual(await idsIn(embedded, 'g'), [])
    net.mend()
    await clock.advance(1_000)
    assert.deepEqual(await idsIn(embedded, 'g'), ['w/0'])
    assert.deepEqual(rejoined, [])
  })
})

describe('HostMembership.remove()', () => {
  test('takes one of several out of the record, and the host with the last', async (t) => {
    const { embedded, clock, membership } = setting(t)
    await Promise.all(['w/0', 'w/1'].map((member) => membership.put('g', member, {}, TTL_MS)))
    assert.equal(await membership.remove('g', 'w/0'), true)
    assert.deepEqual(await idsIn(embedded, 'g'), ['w/1'])
    assert.equal(await membership.remove('g', 'w/1'), true)
    assert.deepEqual(await embedded.listGroups(), [])
    await clock.advance(0)
    assert.equal(clock.sleepers, 0)
  })

  test('is false for one that is not in', async (t) => {
    const { embedded, membership } = setting(t)
    assert.equal(await membership.remove('g', 'w/0'), false)
    await membership.put('g', 'w/0', {}, TTL_MS)
    assert.equal(await membership.remove('g', 'w/1'), false)
    await embedded.leave({ group: 'g', member: 'h1' })
    assert.equal(await membership.remove('g', 'w/0'), false)
  })

  test('does not wait for a store that is away, and beats no more', async (t) => {
    const { clock, net, membership } = setting(t)
    await membership.put('g', 'w/0', {}, TTL_MS)
    net.cut()
    await assert.rejects(membership.remove('g', 'w/0'), { code: 'COORDINATION_UNAVAILABLE' })
    net.mend()
    net.clear()
    await clock.advance(30_000)
    assert.deepEqual(net.calls, [])
  })

  test('and put() again at once leave the member in', async (t) => {
    const { embedded, membership } = setting(t)
    await membership.put('g', 'w/0', {}, TTL_MS)
    await Promise.all([membership.remove('g', 'w/0'), membership.put('g', 'w/0', { weight: 3 }, TTL_MS)])
    assert.deepEqual(livingMembers(await embedded.readGroup('g'))[0]?.capabilities, { weight: 3 })
  })
})

test('HostMembership.suspend() leaves a member out of every group until resume()', async (t) => {
  const { clock, embedded, membership } = setting(t)
  for (const member of ['w/0', 'w/1']) await membership.put('both', member, {}, TTL_MS)
  await membership.put('alone', 'w/0', {}, TTL_MS)
  membership.suspend('w/0')
  await clock.advance(0)
  assert.deepEqual(await idsIn(embedded, 'both'), ['w/1'])
  assert.deepEqual(await embedded.listGroups(), ['both'])
  await membership.put('both', 'w/0', { weight: 2 }, TTL_MS)
  assert.deepEqual(await idsIn(embedded, 'both'), ['w/1'])
  membership.resume('w/0')
  await clock.advance(0)
  assert.deepEqual(await idsIn(embedded, 'both'), ['w/0', 'w/1'])
  assert.deepEqual(await idsIn(embedded, 'alone'), ['w/0'])
})

test('HostMembership.stop() leaves every group, and tells those who wait', async (t) => {
  const { embedded, net, membership, logged } = setting(t)
  await membership.put('a', 'w/0', {}, TTL_MS)
  await membership.put('b', 'w/0', {}, TTL_MS)
  net.cut()
  const put = membership.put('a', 'w/1', {}, TTL_MS)
  const refused = assert.rejects(put, { code: 'COORDINATOR_STOPPED' })
  await new Promise((resolve) => setImmediate(resolve))
  net.mend()
  await membership.stop()
  await refused
  assert.deepEqual(await embedded.listGroups(), [])
  assert.equal(logged.length, 1)
})
