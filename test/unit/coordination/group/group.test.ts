import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { EmbeddedStore } from '#src/coordination/embedded/embedded-store.js'
import { createGroup } from '#src/coordination/group/group.js'
import { GroupViews } from '#src/coordination/group/group-view.js'
import { HostMembership } from '#src/coordination/group/host-membership.js'
import type { Group, GroupChange } from '#src/coordination/contract.js'
import { FakeClock } from '../../../support/fake-clock.js'
import { wire, type Wire } from '../../../support/wired-store.js'

interface Host {
  readonly net: Wire
  readonly group: Group
  readonly views: GroupViews
  readonly logged: readonly string[]
}

interface World {
  readonly clock: FakeClock
  readonly embedded: EmbeddedStore
  /** A process of its own, on its own wire. */
  host(memberId: string, group?: string): Host
}

function world(context: TestContext): World {
  const clock = new FakeClock()
  const embedded = new EmbeddedStore({ clock })
  const ends: (() => Promise<void>)[] = []
  context.after(async () => {
    await Promise.all(ends.map((end) => end()))
    await embedded.close()
    await clock.advance(0)
    assert.equal(clock.sleepers, 0, 'something sleeps still')
  })
  const host = (memberId: string, name = 'g'): Host => {
    const net = wire(embedded.client(memberId))
    const logged: string[] = []
    const log = { info: (message: string) => logged.push(message), warn: (message: string) => logged.push(message) }
    const shared = { store: net.store, clock, random: () => 0.5, log }
    const membership = new HostMembership(net.store, { ...shared, hostMember: memberId, host: `host of ${memberId}`, pid: 42 })
    const views = new GroupViews({ ...shared, memberId })
    ends.push(async () => {
      await membership.stop()
      await views.close()
    })
    return { net, views, logged, group: createGroup({ views, membership, memberId }, name) }
  }
  return { clock, embedded, host }
}

/** What a watch has yielded so far, as `+joined -left ~updated`. */
function watched(group: Group, signal?: AbortSignal): { readonly seen: string[]; readonly changes: GroupChange[]; readonly ended: Promise<void> } {
  const seen: string[] = []
  const changes: GroupChange[] = []
  const follow = async (): Promise<void> => {
    for await (const change of group.watch(signal && { signal })) {
      changes.push(change)
      seen.push([...change.joined.map((id) => `+${id}`), ...change.left.map((id) => `-${id}`), ...change.updated.map((id) => `~${id}`)].join(' '))
    }
  }
  return { seen, changes, ended: follow() }
}

describe('Group.join()', () => {
  test('shows the member, with host and capabilities, until leave()', async (t) => {
    const { host } = world(t)
    const a = host('a').group
    const b = host('b').group
    await a.join({ capabilities: { weight: 2 } })
    await b.join()
    assert.deepEqual(await b.members(), [{ id: 'a', host: 'host of a', capabilities: { weight: 2 } }, { id: 'b', host: 'host of b', capabilities: {} }])
    assert.equal(await a.leave(), true)
    assert.equal(await a.leave(), false)
    assert.deepEqual((await b.members()).map(({ id }) => id), ['b'])
    await a.join()
    assert.equal((await b.members()).length, 2)
  })

  test('twice is GROUP_ALREADY_JOINED; update() without it GROUP_NOT_JOINED', async (t) => {
    const { group } = world(t).host('a')
    await assert.rejects(group.update({}), { code: 'GROUP_NOT_JOINED', message: 'Cannot update the group "g" as this member is not in it: "a"' })
    await group.join()
    await assert.rejects(group.join(), { code: 'GROUP_ALREADY_JOINED' })
    await group.update({ weight: 3 })
    assert.deepEqual((await group.members())[0]?.capabilities, { weight: 3 })
  })

  test('may be tried again after it failed', async (t) => {
    const { group } = world(t).host('a')
    await assert.rejects(group.join({ capabilities: { big: 1n } }), TypeError)
    await group.join()
  })
})

test('createGroup() refuses a ttl out of bounds, and a name that is none', (t) => {
  const { views } = world(t).host('a')
  const dependencies = { views, memberId: 'a', membership: { put: async () => {}, remove: async () => false, onRejoined: () => {}, stop: async () => {} } }
  for (const ttlMs of [0, 249, 3_600_001, Number.NaN]) assert.throws(() => createGroup(dependencies, 'g', { ttlMs }), RangeError)
  assert.throws(() => createGroup(dependencies, ''), RangeError)
})

describe('Group.watch()', () => {
  test('yields everybody as joined, then each change', async (t) => {
    const { clock, host } = world(t)
    const a = host('a').group
    const b = host('b').group
    await b.join()
    const { seen, changes } = watched(a)
    await clock.advance(0)
    await a.join()
    await clock.advance(0)
    await b.update({ weight: 2 })
    await clock.advance(0)
    await b.leave()
    await clock.advance(0)
    assert.deepEqual(seen, ['+b', '+a', '~b', '-b'])
    const versions = changes.map(({ version }) => version)
    assert.deepEqual(versions, [...versions].sort((one, other) => one - other))
  })

  test('yields an empty group, too', async (t) => {
    const { clock, host } = world(t)
    const { changes } = watched(host('a').group)
    await clock.advance(0)
    assert.deepEqual(changes, [{ version: 0, members: [], joined: [], left: [], updated: [] }])
  })

  test('makes one change of several for a slow reader, and delivers the last state', async (t) => {
    const { clock, host } = world(t)
    const a = host('a').group
    const b = host('b').group
    await a.join()
    const changes = a.watch()[Symbol.asyncIterator]()
    assert.deepEqual((await changes.next() as { value: GroupChange }).value.joined, ['a'])
    for (const weight of [1, 2, 3]) {
      await (weight === 1 ? b.join({ capabilities: { weight } }) : b.update({ weight }))
      await clock.advance(0)
    }
    const { value } = await changes.next() as { value: GroupChange }
    assert.deepEqual({ joined: value.joined, updated: value.updated, weight: value.members[1]?.capabilities.weight }, { joined: ['b'], updated: [], weight: 3 })
    await changes.return?.()
  })

  test('ends with its signal, at once with one that is aborted', async (t) => {
    const { clock, host } = world(t)
    const { group } = host('a')
    const stop = new AbortController()
    const { seen, ended } = watched(group, stop.signal)
    await clock.advance(0)
    stop.abort()
    await ended
    assert.equal(seen.length, 1)
    await watched(group, stop.signal).ended
    await clock.advance(0)
    assert.equal(clock.sleepers, 0)
  })

  test('ends when the views are closed', async (t) => {
    const { clock, host } = world(t)
    const { group, views } = host('a')
    const { ended } = watched(group)
    await clock.advance(0)
    await views.close()
    await ended
    await watched(group).ended
  })

  test('shares one subscription and one reading with every other in the process', async (t) => {
    const { clock, host } = world(t)
    const { group, net } = host('a')
    const stop = new AbortController()
    const all = [1, 2, 3].map(() => watched(group, stop.signal))
    await clock.advance(0)
    await host('b').group.join()
    await clock.advance(0)
    assert.deepEqual(all.map(({ seen }) => seen), [1, 2, 3].map(() => ['', '+b']))
    assert.equal(net.count('subscribe'), 1)
    assert.equal(net.count('readGroup'), 2)
    stop.abort()
    await Promise.all(all.map(({ ended }) => ended))
    assert.deepEqual(await group.members().then((members) => members.map(({ id }) => id)), ['b'])
  })

  test('sees a member end with nobody beating', async (t) => {
    const { clock, embedded, host } = world(t)
    await embedded.beat([{ group: 'g', member: 'dead', ttlMs: 15_000, keep: false, record: '{"host":"dead","pid":1,"members":{"dead/0":{}}}' }])
    const { seen } = watched(host('observer').group)
    await clock.advance(14_990)
    assert.deepEqual(seen, ['+dead/0'])
    await clock.advance(20)
    assert.deepEqual(seen, ['+dead/0', '-dead/0'])
  })

  test('finds within 36 s what no message told', async (t) => {
    const { clock, host } = world(t)
    const { group, net } = host('a')
    await group.join()
    const { seen } = watched(group)
    await clock.advance(0)
    net.cut()
    await host('b').group.join()
    net.mend()
    const before = net.count('readGroup')
    await clock.advance(36_000)
    assert.deepEqual(seen, ['+a', '+b'])
    assert.ok(net.count('readGroup') > before)
  })

  test('asks only for the version when nothing has changed', async (t) => {
    const { clock, host } = world(t)
    const { group, net } = host('a')
    await group.join()
    watched(group)
    await clock.advance(0)
    net.clear()
    await clock.advance(300_000)
    assert.equal(net.count('readGroup'), 0)
    assert.equal(net.count('groupVersion'), 10)
  })

  test('looks after a gap', async (t) => {
    const { clock, host } = world(t)
    const { group, net } = host('observer')
    const { seen } = watched(group)
    await clock.advance(0)
    net.cut()
    await host('b').group.join()
    await clock.advance(100)
    assert.deepEqual(seen, [''])
    net.mend()
    await clock.advance(0)
    assert.deepEqual(seen, ['', '+b'])
  })

  test('waits for a store that is away, and tells of it once', async (t) => {
    const { clock, host } = world(t)
    const { group, net, logged } = host('observer')
    net.cut()
    const { seen } = watched(group)
    await clock.advance(30_000)
    assert.deepEqual(seen, [])
    assert.ok(net.calls.length < 15, `${net.calls.length} calls in 30 s`)
    net.mend()
    await clock.advance(0)
    assert.deepEqual(seen, [''])
    assert.deepEqual(logged, ['a group cannot be read; its last known members stand', 'a group can be read again'])
  })

  test('keeps the members while the store is away from all, and when it comes back empty', async (t) => {
    const { clock, embedded, host } = world(t)
    const a = host('a')
    const b = host('b')
    await a.group.join()
    await b.group.join()
    const observer = host('observer')
    const { seen } = watched(observer.group)
    await clock.advance(0)
    for (const { net } of [a, b, observer]) net.cut()
    await clock.advance(60_000)
    for (const { net } of [a, b, observer]) net.mend()
    await clock.advance(20_000)
    assert.deepEqual(seen, ['+a +b'])
    for (const { net } of [a, b, observer]) net.cut()
    for (const member of ['a', 'b']) await embedded.leave({ group: 'g', member })
    await embedded.deleteGroup('g')
    for (const { net } of [a, b, observer]) net.mend()
    await clock.advance(20_000)
    assert.deepEqual(seen, ['+a +b'])
    assert.deepEqual((await observer.group.members()).length, 2)
  })
})

test('Group.onRejoined() is told when this member was taken for dead, not when it is not in', async (t) => {
  const { clock, embedded, host } = world(t)
  const { group } = host('a')
  let told = 0
  group.onRejoined(() => told++)
  await group.join()
  await embedded.leave({ group: 'g', member: 'a' })
  await clock.advance(6_000)
  assert.equal(told, 1)
  await group.leave()
  await group.join()
  await clock.advance(6_000)
  assert.equal(told, 1)
})
