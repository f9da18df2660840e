import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { GroupTable } from '#src/coordination/embedded/group-table.js'

/** A table of groups and its time. */
class Bench {
  readonly table = new GroupTable()
  now = 1_700_000_000_000

  beat(member: string, more: { readonly ttlMs?: number; readonly record?: string; readonly keep?: boolean } = {}) {
    return this.table.beat({ group: 'g', member, ttlMs: 900, record: undefined, keep: false, ...more }, this.now * 1_000)
  }

  /** Lets time pass while `member` beats as one should. */
  passWithBeats(member: string, ms: number): string[] {
    const topics: string[] = []
    for (let left = ms; left > 0; left -= 300) {
      this.now += Math.min(300, left)
      topics.push(...this.beat(member).happened.topics)
    }
    return topics
  }

  read() {
    return this.table.read('g', this.now * 1_000)
  }

  get members(): readonly string[] {
    return this.read().members.map(({ id }) => id)
  }
}

describe('GroupTable.beat()', () => {
  test('joins at first, with its record, and then only goes on', () => {
    const bench = new Bench()
    const first = bench.beat('a', { record: '{"weight":2}' })
    assert.deepEqual(first.reply, { version: 1, joined: true, holding: false })
    assert.deepEqual(first.happened.topics, ['group:g'])
    const second = bench.beat('a')
    assert.deepEqual(second.reply, { version: 1, joined: false, holding: false })
    assert.deepEqual(second.happened.topics, [])
    assert.deepEqual(bench.read(), { version: 1, members: [{ id: 'a', record: { weight: 2 }, mark: undefined, leftMs: 900 }] })
  })

  test('with the same record is no change, with another one it is', () => {
    const bench = new Bench()
    bench.beat('a', { record: '{"n":1}' })
    assert.equal(bench.beat('a', { record: '{"n":1}' }).reply.version, 1)
    assert.equal(bench.beat('a', { record: '{"n":2}' }).reply.version, 2)
    assert.deepEqual(bench.read().members[0]?.record, { n: 2 })
  })

  test('drops those who beat no more, and they join again later', () => {
    const bench = new Bench()
    bench.beat('a')
    bench.beat('b')
    assert.deepEqual(bench.passWithBeats('a', 600), [])
    assert.deepEqual(bench.members, ['a', 'b'])
    assert.deepEqual(bench.passWithBeats('a', 300), ['group:g'])
    assert.deepEqual([bench.members, bench.read().version], [['a'], 3])
    assert.deepEqual(bench.beat('b').reply, { version: 4, joined: true, holding: false })
  })

  test('drops nobody for one ttl after a time in which nobody could beat', () => {
    const bench = new Bench()
    bench.beat('a')
    bench.beat('b')
    bench.now += 5_000
    assert.deepEqual(bench.beat('a').reply, { version: 2, joined: false, holding: true })
    assert.deepEqual(bench.members, ['a', 'b'])
    bench.passWithBeats('a', 600)
    assert.deepEqual(bench.members, ['a', 'b'])
    bench.passWithBeats('a', 300)
    assert.deepEqual(bench.members, ['a'])
  })

  test('never drops a member that is kept: it is only down', () => {
    const bench = new Bench()
    bench.beat('a', { keep: true })
    bench.beat('b')
    bench.passWithBeats('b', 3_000)
    assert.deepEqual(bench.members, ['a', 'b'])
    assert.equal(bench.read().members[0]?.leftMs, 900 - 3_000)
    assert.equal(bench.beat('a', { keep: true }).reply.joined, false)
  })

  test('drops at most 64 at once, the longest dead first', () => {
    const bench = new Bench()
    for (let n = 0; n < 70; n++) bench.beat(`m${n}`, { ttlMs: 100 + n })
    bench.passWithBeats('a', 200)
    bench.passWithBeats('a', 0)
    assert.equal(bench.members.length, 7)
    assert.ok(bench.members.includes('m69'))
    bench.beat('a')
    assert.deepEqual(bench.members, ['a'])
  })
})

describe('GroupTable', () => {
  test('leave() takes a member out once', () => {
    const bench = new Bench()
    bench.beat('a')
    const { reply, happened } = bench.table.leave({ group: 'g', member: 'a' })
    assert.deepEqual([reply, happened.topics, bench.table.version('g')], [true, ['group:g'], 2])
    assert.deepEqual(bench.table.leave({ group: 'g', member: 'a' }).reply, false)
    assert.deepEqual(bench.table.leave({ group: 'none', member: 'a' }).reply, false)
    assert.deepEqual(bench.table.list(), [])
  })

  test('mark() is kept apart from the record, and null takes it away', () => {
    const bench = new Bench()
    const mark = (text: string | null) => bench.table.mark({ group: 'g', member: 'a', mark: text })
    assert.equal(mark('{"disabled":true}').reply, false)
    bench.beat('a', { record: '{"n":1}' })
    assert.deepEqual([mark('{"disabled":true}').reply, bench.table.version('g')], [true, 2])
    assert.deepEqual([mark('{"disabled":true}').happened.topics, bench.table.version('g')], [[], 2])
    bench.beat('a', { record: '{"n":2}' })
    assert.deepEqual(bench.read().members[0]?.mark, { disabled: true })
    assert.deepEqual([mark(null).reply, bench.read().members[0]?.mark], [true, undefined])
  })

  test('delete() only deletes what has no living member', () => {
    const bench = new Bench()
    const remove = () => bench.table.delete('g', bench.now * 1_000)
    assert.equal(remove().reply, 'missing')
    bench.beat('a')
    assert.equal(remove().reply, 'not empty')
    bench.now += 900
    assert.deepEqual([remove().reply, bench.read()], ['deleted', { version: 0, members: [] }])
    bench.beat('b', { keep: true })
    bench.now += 900
    assert.equal(remove().reply, 'not empty')
  })

  test('changes its version with every change of what is seen, and tells of it', () => {
    const step = fc.record({ who: fc.constantFrom('a', 'b', 'c'), what: fc.constantFrom('beat', 'leave', 'mark'), n: fc.nat(2), ms: fc.constantFrom(0, 200, 500, 1_000) })
    fc.assert(fc.property(fc.array(step), (steps) => {
      const bench = new Bench()
      for (const { who, what, n, ms } of steps) {
        bench.now += ms
        const seen = () => JSON.stringify(bench.read().members.map(({ id, record, mark }) => ({ id, record, mark })))
        const [before, version] = [seen(), bench.read().version]
        const { happened } = what === 'beat' ? bench.beat(who, { record: `{"n":${n}}` })
          : what === 'leave' ? bench.table.leave({ group: 'g', member: who })
            : bench.table.mark({ group: 'g', member: who, mark: `{"m":${n}}` })
        assert.equal(bench.read().version > version, seen() !== before)
        assert.equal(happened.topics.length > 0, seen() !== before)
      }
    }), { numRuns: 300 })
  })
})
