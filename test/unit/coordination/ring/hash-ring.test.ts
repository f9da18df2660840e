import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { EmbeddedStore } from '#src/coordination/embedded/embedded-store.js'
import { GroupViews } from '#src/coordination/group/group-view.js'
import { HostMembership } from '#src/coordination/group/host-membership.js'
import { createHashRing, type GroupHashRing } from '#src/coordination/ring/hash-ring.js'
import type { RingChange } from '#src/coordination/contract.js'
import { FakeClock } from '../../../support/fake-clock.js'
import { wire, type Wire } from '../../../support/wired-store.js'

interface Setting {
  readonly clock: FakeClock
  readonly net: Wire
  readonly ring: GroupHashRing
  join(member: string, capabilities?: Readonly<Record<string, unknown>>): Promise<void>
  leave(member: string): Promise<void>
}

/** The ring of the group `g` as `a` sees it. */
function setting(context: TestContext): Setting {
  const clock = new FakeClock()
  const embedded = new EmbeddedStore({ clock })
  const net = wire(embedded.client('a'))
  const shared = { clock, random: () => 0.5 }
  const views = new GroupViews({ ...shared, store: net.store, memberId: 'a' })
  const membership = new HostMembership(embedded, { ...shared, hostMember: 'h', host: 'h', pid: 1 })
  const lockOf = (): never => { throw new Error('no shards here') }
  const ring = createHashRing({ ...shared, view: views.of('g'), membership, memberId: 'a', lockOf })
  context.after(async () => {
    await ring.stop()
    await membership.stop()
    await views.close()
    await embedded.close()
    await clock.advance(0)
    assert.equal(clock.sleepers, 0, 'something sleeps still')
  })
  return {
    clock, net, ring,
    join: (member, capabilities = {}) => membership.put('g', member, capabilities, 15_000),
    leave: async (member) => void await membership.remove('g', member),
  }
}

function follow(ring: GroupHashRing, signal?: AbortSignal): { readonly changes: RingChange[]; readonly ended: Promise<void> } {
  const changes: RingChange[] = []
  const read = async (): Promise<void> => { for await (const change of ring.watch(signal && { signal })) changes.push(change) }
  return { changes, ended: read() }
}

describe('HashRing.owners()', () => {
  test('follows the group from the first use, and answers from memory then', async (t) => {
    const { net, ring, join } = setting(t)
    await join('a')
    await join('b')
    assert.deepEqual([...await ring.owners('k', { replicas: 2 })].sort(), ['a', 'b'])
    net.clear()
    for (let key = 0; key < 100; key++) await ring.owners(`key ${key}`)
    assert.deepEqual(net.calls, [])
  })

  test('is empty for an empty group', async (t) => {
    assert.deepEqual(await setting(t).ring.owners('k'), [])
  })

  test('refuses a key that is no text', async (t) => {
    const { ring } = setting(t)
    await assert.rejects(ring.owners(42 as unknown as string), TypeError)
    await assert.rejects(ring.isMine({} as unknown as string), TypeError)
  })

  test('says that the store is away while nothing is known, and stands by what is known', async (t) => {
    const { clock, net, ring, join } = setting(t)
    await join('a')
    net.cut()
    await assert.rejects(ring.owners('k'), { code: 'COORDINATION_UNAVAILABLE' })
    net.mend()
    await clock.advance(0)
    assert.deepEqual(await ring.owners('k'), ['a'])
    net.cut()
    await clock.advance(120_000)
    assert.deepEqual(await ring.owners('k'), ['a'])
  })

  test('is COORDINATOR_STOPPED after stop() when nothing is known', async (t) => {
    const { ring } = setting(t)
    await ring.stop()
    await assert.rejects(ring.owners('k'), { code: 'COORDINATOR_STOPPED' })
  })
})

test('HashRing.isMine() is never true for one that is not in the group', async (t) => {
  const { clock, ring, join, leave } = setting(t)
  await join('b')
  assert.equal(await ring.isMine('k'), false)
  await join('a')
  await leave('b')
  await clock.advance(1_000)
  assert.equal(await ring.isMine('k'), true)
  await leave('a')
  await clock.advance(1_000)
  assert.equal(await ring.isMine('k'), false)
})

describe('HashRing.watch()', () => {
  test('yields the ring now, then one for all changes within 250 ms', async (t) => {
    const { clock, ring, join } = setting(t)
    await join('a')
    const { changes } = follow(ring)
    await clock.advance(0)
    for (const member of ['b', 'c', 'd']) {
      await join(member)
      await clock.advance(50)
    }
    assert.deepEqual(changes.map(({ members }) => members), [['a']])
    await clock.advance(250)
    assert.deepEqual(changes.map(({ members }) => members), [['a'], ['a', 'b', 'c', 'd']])
    assert.ok((changes[1]?.version ?? 0) > (changes[0]?.version ?? 0))
    assert.deepEqual(changes[1]?.owners('k', 9).length, 4)
    assert.equal(changes[0]?.isMine('k'), true)
  })

  test('yields changes of weight, and none of other capabilities', async (t) => {
    const { clock, ring, join } = setting(t)
    await join('a')
    await join('b')
    const { changes } = follow(ring)
    await clock.advance(0)
    await join('b', { zone: 'z1' })
    await clock.advance(1_000)
    assert.equal(changes.length, 1)
    await join('b', { zone: 'z1', weight: 3 })
    await clock.advance(1_000)
    assert.equal(changes.length, 2)
    const owned = (change: RingChange | undefined): number => Array.from({ length: 1_000 }, (_, key) => `${key}`).filter((key) => change?.owners(key)[0] === 'b').length
    assert.ok(owned(changes[1]) > 1.3 * owned(changes[0]))
  })

  test('ends with its signal, and with stop()', async (t) => {
    const { clock, ring } = setting(t)
    const stop = new AbortController()
    const one = follow(ring, stop.signal)
    const other = follow(ring)
    await clock.advance(0)
    stop.abort()
    await one.ended
    await ring.stop()
    await other.ended
  })
})
