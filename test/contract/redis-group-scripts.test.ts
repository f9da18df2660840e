import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { RedisStore } from '#src/coordination/redis/redis-store.js'
import { EPOCH_SCRIPT, parseEpochReply } from '#src/coordination/redis/scripts/epoch.js'
import type { BeatRequest } from '#src/coordination/store.js'
import { DirectRedisPort } from '../support/direct-redis-port.js'
import { until } from '../support/processes.js'
import { RedisServer } from '../support/redis.js'

const START_MS = 1_800_000_000_000

describe('RedisStore', () => {
  let server: RedisServer
  let port: DirectRedisPort
  let store: RedisStore
  let nowMs: number

  before(async () => { server = await RedisServer.start() })
  after(() => server.stop())

  beforeEach(async () => {
    await server.command('FLUSHALL')
    port = await DirectRedisPort.connect(server.port)
    nowMs = START_MS
    store = new RedisStore(port, { now: () => nowMs * 1_000 })
  })
  afterEach(() => port.close())

  describe('groups', () => {
    const beat = async (member: string, changes: Partial<BeatRequest> = {}) =>
      (await store.beat([{ group: 'g', member, ttlMs: 1_000, record: undefined, keep: false, ...changes }]))[0]
    const members = async () => (await store.readGroup('g')).members.map(({ id }) => id)

    test('beat() joins once, and grows the version with each change', async () => {
      assert.deepEqual(await beat('b', { record: '{"n":1}' }), { version: 1, joined: true, holding: false })
      assert.deepEqual(await beat('b'), { version: 1, joined: false, holding: false })
      assert.deepEqual(await beat('b', { record: '{"n":1}' }), { version: 1, joined: false, holding: false })
      assert.deepEqual(await beat('b', { record: '{"n":2}' }), { version: 2, joined: false, holding: false })
      assert.deepEqual(await beat('a'), { version: 3, joined: true, holding: false })
      nowMs += 100
      assert.deepEqual(await store.readGroup('g'), {
        version: 3,
        members: [{ id: 'a', record: {}, mark: undefined, leftMs: 900 }, { id: 'b', record: { n: 2 }, mark: undefined, leftMs: 900 }],
      })
      assert.equal(await store.groupVersion('g'), 3)
      assert.equal(await store.groupVersion('none'), 0)
    })

    test('beat() drops those who did not, and says so to one that comes back', async () => {
      await beat('a')
      await beat('b')
      for (let beats = 0; beats < 3; beats++) {
        nowMs += 400
        await beat('b')
      }
      assert.deepEqual(await members(), ['b'])
      assert.deepEqual(await beat('a'), { version: 4, joined: true, holding: false })
    })

    test('beat() drops nobody for one ttl after nobody could beat', async () => {
      await beat('a')
      await beat('b')
      nowMs += 5_000
      assert.deepEqual(await beat('b'), { version: 2, joined: false, holding: true })
      nowMs += 400
      assert.deepEqual(await beat('a'), { version: 2, joined: false, holding: true })
      nowMs += 400
      await beat('a')
      nowMs += 400
      assert.deepEqual(await beat('a'), { version: 3, joined: false, holding: false })
      assert.deepEqual(await members(), ['a'])
    })

    test('beat() never drops a member that is kept, and reaches those behind many of them', async () => {
      for (let i = 0; i < 100; i++) await beat(`kept-${i}`, { keep: true, ttlMs: 10 })
      await beat('dies')
      for (let beats = 0; beats < 3; beats++) {
        nowMs += 400
        await beat('lives')
      }
      assert.equal((await members()).length, 101)
      assert.ok(!(await members()).includes('dies'))
      assert.equal(await port.redis.pttl('reeve:{group:g}'), -1)
    })

    test('beat() of many groups is one script', async () => {
      port.sent.length = 0
      const requests = Array.from({ length: 64 }, (_, index) => ({ group: `g${index}`, member: 'h', ttlMs: 1_000, record: undefined, keep: false }))
      assert.equal((await store.beat(requests)).length, 64)
      assert.deepEqual(port.sent, ['beat'])
      assert.equal((await store.listGroups()).length, 64)
    })

    test('mark() is kept apart from the record and goes with the member', async () => {
      await beat('a', { record: '{"n":1}' })
      assert.equal(await store.mark({ group: 'g', member: 'b', mark: '{}' }), false)
      assert.equal(await store.mark({ group: 'g', member: 'a', mark: '{"disabled":true}' }), true)
      assert.equal(await store.mark({ group: 'g', member: 'a', mark: '{"disabled":true}' }), true)
      await beat('a', { record: '{"n":2}' })
      assert.deepEqual(await store.readGroup('g'), { version: 3, members: [{ id: 'a', record: { n: 2 }, mark: { disabled: true }, leftMs: 1_000 }] })
      assert.equal(await store.leave({ group: 'g', member: 'a' }), true)
      assert.equal(await store.leave({ group: 'g', member: 'a' }), false)
      await beat('a')
      assert.equal((await store.readGroup('g')).members[0]?.mark, undefined)
      await store.mark({ group: 'g', member: 'a', mark: '{}' })
      await store.mark({ group: 'g', member: 'a', mark: null })
      assert.equal((await store.readGroup('g')).members[0]?.mark, undefined)
    })

    test('deleteGroup() takes one in which nobody lives or is kept', async () => {
      assert.equal(await store.deleteGroup('g'), 'missing')
      await beat('a')
      assert.equal(await store.deleteGroup('g'), 'not empty')
      nowMs += 1_000
      assert.equal(await store.deleteGroup('g'), 'deleted')
      await beat('a', { keep: true })
      nowMs += 9_000
      assert.equal(await store.deleteGroup('g'), 'not empty')
      await store.leave({ group: 'g', member: 'a' })
      assert.deepEqual(await store.listGroups(), [])
      assert.equal(await store.deleteGroup('g'), 'deleted')
      assert.equal(await server.command('KEYS', '*'), 'reeve:epoch')
    })

    test('subscribe() hears of changes and not of beats', async () => {
      let heard = 0
      await store.subscribe('group:g', () => { heard++ })
      await beat('a')
      await beat('a')
      await store.leave({ group: 'g', member: 'a' })
      await until('two changes', () => heard === 2)
    })
  })

  describe('EPOCH_SCRIPT', () => {
    const epoch = async (run: string, quarantineMs: number) => parseEpochReply(await port.run(EPOCH_SCRIPT, ['reeve:epoch'], [run, quarantineMs, nowMs * 1_000]))

    test('begins a quarantine with a run, and counts a longer one from its beginning', async () => {
      assert.equal((await epoch('r1', 500)).until, START_MS + 500)
      nowMs += 100
      assert.equal((await epoch('r1', 500)).until, START_MS + 500)
      assert.equal((await epoch('r1', 300)).until, START_MS + 500)
      assert.equal((await epoch('r1', 900)).until, START_MS + 900)
      nowMs += 5_000
      assert.equal((await epoch('r1', 1_000)).until, START_MS + 900)
      const other = await epoch('r2', 1_000)
      assert.equal(other.until, nowMs + 1_000)
      assert.equal(other.value, await port.redis.get('reeve:epoch'))
    })

    test('leaves an epoch without a quarantine as it is', async () => {
      assert.equal((await epoch('r1', 0)).until, 0)
      assert.equal((await epoch('r1', 900)).until, 0)
    })
  })
})
