/** Groups, service records and rings, the same over every driver: what is above the store may not tell which it is. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { systemClock } from '#src/base/clock.js'
import type { Group, GroupChange } from '#src/coordination/contract.js'
import { EmbeddedStore } from '#src/coordination/embedded/embedded-store.js'
import { createGroup } from '#src/coordination/group/group.js'
import { GroupViews } from '#src/coordination/group/group-view.js'
import { HostMembership } from '#src/coordination/group/host-membership.js'
import { createServiceRecords } from '#src/coordination/group/services.js'
import { createHashRing, type GroupHashRing } from '#src/coordination/ring/hash-ring.js'
import type { CoordinationStore } from '#src/coordination/store.js'
import { notRun } from '../support/not-run.js'
import { until } from '../support/processes.js'
import { shared } from './store/embedded-drivers.js'
import { redis } from './store/redis-drivers.js'
import type { Driver, OpenDriver } from './store/scene.js'

/** The contract's own has a clock that stands still between the steps of a test; beats need one that goes. */
const embedded: Driver = {
  name: 'embedded',
  unavailable: async () => undefined,
  open: async () => {
    const first = new EmbeddedStore()
    return { first, second: first.client('second'), openClient: async () => first.client('a further one'), advance: (ms) => systemClock.sleep(ms), close: () => first.close() }
  },
}

const DRIVERS = [embedded, shared, redis]
const TTL_MS = 900
let groups = 0

/** One process as far as groups go. */
interface Participant {
  readonly group: Group
  readonly ring: GroupHashRing
  readonly membership: HostMembership
  end(): Promise<void>
}

function participant(store: CoordinationStore, memberId: string, name: string): Participant {
  const shared = { clock: systemClock, random: Math.random }
  const views = new GroupViews({ ...shared, store, memberId })
  const membership = new HostMembership(store, { ...shared, hostMember: `host of ${memberId}`, host: 'h', pid: process.pid })
  const lockOf = (): never => { throw new Error('no shards here') }
  const ring = createHashRing({ ...shared, view: views.of(name), membership, memberId, lockOf })
  const end = async (): Promise<void> => {
    await ring.stop()
    await membership.stop()
    await views.close()
  }
  return { group: createGroup({ views, membership, memberId }, name, { ttlMs: TTL_MS }), ring, membership, end }
}

/** Collects what an iterable gives, until its end. */
function collect<T>(iterable: AsyncIterable<T>): { readonly items: T[]; readonly ended: Promise<void> } {
  const items: T[] = []
  const read = async (): Promise<void> => { for await (const item of iterable) items.push(item) }
  return { items, ended: read() }
}

/** The ids that a watch shows now. */
function shown(changes: readonly GroupChange[]): string {
  return changes.at(-1)?.members.map(({ id }) => id).join() ?? 'nothing yet'
}

interface Scene {
  /** Two processes on two clients of one store. */
  readonly a: Participant
  readonly b: Participant
  readonly store: CoordinationStore
  readonly name: string
  readonly signal: AbortSignal
}

async function play(driver: OpenDriver, run: (scene: Scene) => Promise<void>): Promise<void> {
  const name = `group ${++groups}`
  const a = participant(driver.first, 'a', name)
  const b = participant(driver.second, 'b', name)
  const stop = new AbortController()
  try {
    await run({ a, b, name, store: driver.first, signal: stop.signal })
  } finally {
    stop.abort()
    await Promise.all([a.end(), b.end()])
  }
}

const CASES: readonly { readonly title: string; readonly run: (scene: Scene) => Promise<void> }[] = [
  {
    title: 'members() shows who joined, with host and capabilities, and no more who left',
    run: async ({ a, b }) => {
      await a.group.join({ capabilities: { weight: 2, zones: ['z1', 'z2'] } })
      await b.group.join()
      const both = [{ id: 'a', host: 'h', capabilities: { weight: 2, zones: ['z1', 'z2'] } }, { id: 'b', host: 'h', capabilities: {} }]
      assert.deepEqual(await a.group.members(), both)
      assert.deepEqual(await b.group.members(), both)
      assert.equal(await a.group.leave(), true)
      assert.deepEqual(await b.group.members(), both.slice(1))
    },
  },
  {
    title: 'watch() yields joins, updates and leaves of another process',
    run: async ({ a, b, signal }) => {
      await b.group.join()
      const { items, ended } = collect(a.group.watch({ signal: AbortSignal.any([signal, AbortSignal.timeout(60_000)]) }))
      await until('b is seen', () => shown(items) === 'b')
      await b.group.update({ weight: 3 })
      await until('the update is seen', () => items.at(-1)?.updated.join() === 'b')
      await b.group.leave()
      await until('the leave is seen', () => items.at(-1)?.left.join() === 'b')
      assert.deepEqual(items.map(({ version }) => version), items.map(({ version }) => version).sort((one, other) => one - other))
      await a.end()
      await ended
    },
  },
  {
    title: 'members stay while they beat, and are back after they were taken for dead',
    run: async ({ a, store, name }) => {
      await a.group.join({ capabilities: { weight: 2 } })
      await systemClock.sleep(2 * TTL_MS)
      assert.equal((await a.group.members()).length, 1)
      let rejoined = false
      a.group.onRejoined(() => { rejoined = true })
      await store.leave({ group: name, member: 'host of a' })
      await until('rejoined', () => rejoined)
      assert.deepEqual((await a.group.members())[0]?.capabilities, { weight: 2 })
    },
  },
  {
    title: 'watch() sees the end of one that beats no more, with nobody else beating',
    run: async ({ a, store, name, signal }) => {
      await store.beat([{ group: name, member: 'dead', ttlMs: TTL_MS, keep: false, record: '{"host":"d","pid":1,"members":{"d/0":{}}}' }])
      const { items } = collect(a.group.watch({ signal }))
      await until('it is seen', () => shown(items) === 'd/0')
      await until('its end is seen', () => shown(items) === '', 5_000)
    },
  },
  {
    title: '64 members of one host, and 200 of others, are one reading',
    run: async ({ a, b, name }) => {
      await Promise.all(Array.from({ length: 64 }, (_, worker) => a.membership.put(name, `a/${String(worker).padStart(3, '0')}`, { worker }, TTL_MS)))
      await Promise.all(Array.from({ length: 200 }, (_, worker) => b.membership.put(name, `b/${String(worker).padStart(3, '0')}`, { worker }, TTL_MS)))
      const members = await a.group.members()
      assert.equal(members.length, 264)
      assert.deepEqual(members.map(({ id }) => id), members.map(({ id }) => id).sort())
    },
  },
  {
    title: 'rings of two processes agree, and follow the group',
    run: async ({ a, b, signal }) => {
      await a.group.join()
      await b.group.join({ capabilities: { weight: 2 } })
      const rings = [a, b].map(({ ring }) => collect(ring.watch({ signal })).items)
      const agree = (members: string): boolean => rings.every((ring) => ring.at(-1)?.members.join() === members)
      await until('both see both', () => agree('a,b'))
      const keys = Array.from({ length: 500 }, (_, key) => `volume-${key}`)
      const owners = await Promise.all([a, b].map(({ ring }) => Promise.all(keys.map(async (key) => (await ring.owners(key))[0]))))
      assert.deepEqual(owners[0], owners[1])
      for (const key of keys.slice(0, 20)) assert.notEqual(await a.ring.isMine(key), await b.ring.isMine(key))
      await a.group.leave()
      await until('both see b alone', () => agree('b'))
      assert.equal(await a.ring.isMine('k'), false)
      assert.equal(await b.ring.isMine('k'), true)
    },
  },
]

for (const driver of DRIVERS) {
  const reason = await driver.unavailable()
  describe(`groups over ${driver.name}`, { skip: reason !== undefined && notRun(`groups over ${driver.name}`, reason) }, () => {
    let open: OpenDriver
    before(async () => { open = await driver.open() })
    after(() => open.close())

    for (const { title, run } of CASES) test(title, () => play(open, run))

    test('service records outlive their ttl, and marks their reports', async () => {
      const services = createServiceRecords(open.first)
      const others = createServiceRecords(open.second)
      await services.report('volume@h1', { host: 'h1' }, { ttlMs: 400 })
      await others.report('volume@h2', { host: 'h2' })
      assert.equal(await others.isUp('volume@h1'), true)
      await others.disable('volume@h1', 'maintenance')
      await open.advance(450)
      assert.equal(await others.isUp('volume@h1'), false)
      await services.report('volume@h2', { host: 'h2', again: true })
      const list = (await services.list()).map(({ id, record, up, disabled, disabledReason }) => ({ id, record, up, disabled, disabledReason }))
      assert.deepEqual(list, [
        { id: 'volume@h1', record: { host: 'h1' }, up: false, disabled: true, disabledReason: 'maintenance' },
        { id: 'volume@h2', record: { host: 'h2', again: true }, up: true, disabled: false, disabledReason: undefined },
      ])
      await services.enable('volume@h1')
      assert.equal(await services.forget('volume@h1'), true)
      assert.equal((await others.list()).length, 1)
      assert.ok((await others.list()).every(({ lastSeenMs }) => lastSeenMs >= 0 && lastSeenMs < 10_000))
    })
  })
}
