import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { EmbeddedStore } from '#src/coordination/embedded/embedded-store.js'
import { GroupViews } from '#src/coordination/group/group-view.js'
import { HostMembership } from '#src/coordination/group/host-membership.js'
import { LeaseKeeper } from '#src/coordination/lease/lease-keeper.js'
import { createLock } from '#src/coordination/lease/lock.js'
import type { LeaseTime } from '#src/coordination/lease/lease-time.js'
import { createHashRing, type GroupHashRing } from '#src/coordination/ring/hash-ring.js'
import type { ShardOwner } from '#src/coordination/contract.js'
import { FakeClock } from '../../../support/fake-clock.js'
import { wire, type Wire } from '../../../support/wired-store.js'

const SHARDS = 32
const ALL = Array.from({ length: SHARDS }, (_, shard) => shard)

interface Process {
  readonly net: Wire
  readonly membership: HostMembership
  readonly ring: GroupHashRing
  readonly shards: ShardOwner
  /** `+3 -3`: gained and lost. */
  readonly events: readonly string[]
  /** Stops its shards, then leaves. */
  stop(): Promise<void>
  /** As by SIGKILL: the store sees the connection end, the launcher takes the member out. */
  die(): Promise<void>
}

interface World {
  readonly clock: FakeClock
  readonly embedded: EmbeddedStore
  /** A process that has joined, and shares `SHARDS` with the others. */
  start(memberId: string, weight?: number): Promise<Process>
  /** Fails if a shard has two owners now. */
  check(): void
  /** Who has each shard now. */
  owners(): readonly (string | undefined)[]
}

function leaseTime(clock: FakeClock): LeaseTime {
  return {
    mono: () => clock.now(),
    wall: () => clock.now(),
    timer: (ms, ring) => {
      const stop = new AbortController()
      clock.sleep(ms, stop.signal).then(ring, () => {})
      return { cancel: () => stop.abort(), keepAlive: () => {} }
    },
  }
}

function world(context: TestContext): World {
  const clock = new FakeClock()
  const embedded = new EmbeddedStore({ clock })
  const living = new Map<string, Process>()
  context.after(async () => {
    await Promise.all([...living.values()].map((each) => each.stop()))
    await embedded.close()
    await clock.advance(0)
    assert.equal(clock.sleepers, 0, 'something sleeps still')
  })

  const check = (): void => {
    const owned = [...living.values()].flatMap(({ shards }) => shards.owned)
    assert.equal(new Set(owned).size, owned.length, 'a shard has two owners')
  }

  const start = async (memberId: string, weight = 1): Promise<Process> => {
    const client = embedded.client(memberId)
    const net = wire(client)
    const shared = { clock, random: () => 0.5 }
    const keeper = new LeaseKeeper(net.store, { memberId, incarnation: `1.${living.size}`, ttlMs: 15_000, maxTtlMs: 15_000, record: {}, time: leaseTime(clock), random: () => 0.5 })
    const views = new GroupViews({ ...shared, store: net.store, memberId })
    const membership = new HostMembership(net.store, { ...shared, hostMember: memberId, host: memberId, pid: 1 })
    const ring = createHashRing({ ...shared, view: views.of('g'), membership, memberId, lockOf: (name, options) => createLock(keeper, name, options) })
    const end = async (): Promise<void> => {
      living.delete(memberId)
      await ring.stop()
      await membership.stop()
      await views.close()
      await keeper.stop()
    }
    await membership.put('g', memberId, { weight }, 15_000)
    const events: string[] = []
    const shards = await ring.shards(SHARDS)
    shards.on('gained', (shard) => {
      events.push(`+${shard}`)
      check()
    })
    shards.on('lost', (shard) => events.push(`-${shard}`))
    const die = async (): Promise<void> => {
      client.disconnect()
      await embedded.leave({ group: 'g', member: memberId })
      net.cut()
      await end()
    }
    const process = { net, membership, ring, shards, events, stop: end, die }
    living.set(memberId, process)
    return process
  }

  const owners = (): readonly (string | undefined)[] => ALL.map((shard) => [...living].find(([, { shards }]) => shards.owned.includes(shard))?.[0])
  return { clock, embedded, start, check, owners }
}

describe('ShardOwner', () => {
  test('of the only member owns all shards', async (t) => {
    const { clock, start } = world(t)
    const { shards, events } = await start('a')
    await clock.advance(0)
    assert.deepEqual(shards.owned, ALL)
    assert.equal(events.length, SHARDS)
  })

  test('knows the lock of the shard that a key is in', async (t) => {
    const { clock, start } = world(t)
    const { shards } = await start('a')
    await clock.advance(0)
    const shard = shards.shardOf('volume-42')
    assert.ok(shard >= 0 && shard < SHARDS)
    assert.equal(shards.lockOf('volume-42')?.name, `shard/g/${SHARDS}/${shard}`)
    assert.throws(() => shards.shardOf(42 as unknown as string), TypeError)
  })

  test('hands over what a new member should have, each shard once, and keeps the rest', async (t) => {
    const { clock, start, owners } = world(t)
    const a = await start('a')
    await clock.advance(0)
    const b = await start('b')
    await clock.advance(1_000)
    const ring = await Promise.all(ALL.map(async (shard) => (await a.ring.owners(`shard/g/${SHARDS}/${shard}`))[0]))
    assert.deepEqual(owners(), ring)
    assert.ok(b.shards.owned.length > 0)
    assert.deepEqual(a.events.slice(SHARDS).sort(), b.shards.owned.map((shard) => `-${shard}`).sort())
    assert.deepEqual([...b.events].sort(), b.shards.owned.map((shard) => `+${shard}`).sort())
  })

  test('tells of a loss before the lock is given away', async (t) => {
    const { clock, embedded, start } = world(t)
    const a = await start('a')
    await clock.advance(0)
    const holders: Promise<string | undefined>[] = []
    a.shards.on('lost', (shard) => holders.push(embedded.readResource(`lock:shard/g/${SHARDS}/${shard}`).then((resource) => resource?.holders[0]?.id)))
    await start('b')
    await clock.advance(1_000)
    const ids = await Promise.all(holders)
    assert.ok(ids.length > 0 && ids.every((id) => id?.startsWith('a#')), ids.join())
  })

  test('of a member that leaves, or dies, is taken over by the others', async (t) => {
    const { clock, start, owners, check } = world(t)
    const [a, b] = [await start('a'), await start('b'), await start('c')]
    await clock.advance(1_000)
    assert.ok(!owners().includes(undefined))
    await a.stop()
    await clock.advance(1_000)
    assert.deepEqual([...new Set(owners())].sort(), ['b', 'c'])
    await b.die()
    await clock.advance(1_000)
    assert.deepEqual([...new Set(owners())], ['c'])
    check()
  })

  test('of a member whose lease is broken loses the shard and takes it again', async (t) => {
    const { clock, embedded, start } = world(t)
    const { shards, events } = await start('a')
    await clock.advance(0)
    await embedded.forceRelease({ name: `lock:shard/g/${SHARDS}/3`, by: 'operator', lockDelayMs: 0 })
    await clock.advance(15_000)
    assert.deepEqual(events.slice(SHARDS), ['-3', '+3'])
    assert.deepEqual(shards.owned, ALL)
  })

  test('asks for its locks when the member had been taken for dead', async (t) => {
    const { clock, embedded, start } = world(t)
    const { shards, events, net, membership } = await start('a')
    await membership.put('g', 'a', { weight: 1 }, 3_000)
    await clock.advance(0)
    net.cut()
    await embedded.forceRelease({ name: `lock:shard/g/${SHARDS}/3`, by: 'operator', lockDelayMs: 0 })
    await embedded.leave({ group: 'g', member: 'a' })
    await embedded.deleteGroup('g')
    net.mend()
    // The next beat comes long before the next renewal.
    await clock.advance(1_200)
    assert.deepEqual(events.slice(SHARDS), ['-3', '+3'])
    assert.deepEqual(shards.owned, ALL)
  })

  test('outlives an outage that is longer than the leases', async (t) => {
    const { clock, start, owners, check } = world(t)
    const processes = [await start('a'), await start('b')]
    await clock.advance(1_000)
    for (const { net } of processes) net.cut()
    await clock.advance(40_000)
    assert.ok(owners().every((owner) => owner === undefined))
    for (const { net } of processes) net.mend()
    await clock.advance(40_000)
    assert.ok(!owners().includes(undefined))
    check()
  })

  test('never has two owners, and none for long, while members come, go and die', async (t) => {
    const { clock, start, owners } = world(t)
    const living: Process[] = [await start('m0')]
    let seed = 7
    const dice = (sides: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % sides
    for (let round = 1; round <= 60; round++) {
      const act = dice(3)
      const [victim] = living.length > 1 && act !== 0 ? living.splice(dice(living.length), 1) : []
      if (!victim) living.push(await start(`m${round}`, 1 + dice(3)))
      else if (act === 1) await victim.stop()
      else await victim.die()
      await clock.advance(dice(400))
    }
    await clock.advance(5_000)
    assert.ok(!owners().includes(undefined))
  })

  test('releases all with stop()', async (t) => {
    const { clock, embedded, start } = world(t)
    const { shards, events } = await start('a')
    await clock.advance(0)
    await shards.stop()
    assert.deepEqual(shards.owned, [])
    assert.equal(events.length, 2 * SHARDS)
    assert.deepEqual((await embedded.listResources('lock')).filter(({ holders }) => holders.length > 0), [])
  })
})

test('HashRing.shards() refuses a count that is none', async (t) => {
  const { ring } = await world(t).start('a')
  for (const count of [0, -1, 1.5, 65_537, Number.NaN]) await assert.rejects(ring.shards(count), RangeError)
})
