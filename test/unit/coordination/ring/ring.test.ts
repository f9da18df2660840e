import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Ring, weightOf, type RingMember } from '#src/coordination/ring/ring.js'

const KEYS = Array.from({ length: 4_000 }, (_, index) => `volume-${index}`)

const weight = fc.oneof(fc.constant(1), fc.double({ min: 0.1, max: 5, noNaN: true }))
const someMembers = fc.uniqueArray(fc.record({ id: fc.string({ minLength: 1, maxLength: 12 }), weight }), { selector: ({ id }) => id, minLength: 1, maxLength: 12 })

function equal(count: number): readonly RingMember[] {
  return Array.from({ length: count }, (_, index) => ({ id: `host${index}/volume/0`, weight: 1 }))
}

/** How many of `KEYS` each member owns. */
function shares(ring: Ring, keys: readonly string[] = KEYS): Map<string, number> {
  const counts = new Map(ring.members.map((id) => [id, 0]))
  for (const key of keys) counts.set(ring.owner(key) ?? '', (counts.get(ring.owner(key) ?? '') ?? 0) + 1)
  return counts
}

describe('Ring', () => {
  test('gives every process and version the same owners', () => {
    const ring = new Ring([{ id: 'foo', weight: 1 }, { id: 'bar', weight: 1 }, { id: 'baz', weight: 2 }])
    assert.deepEqual(['fake', 'fake-again', 'volume-42', '', 'é', '😀'].map((key) => ring.owners(key, 3).join()), VECTORS)
  })

  test('does not depend on the order of its members', () => {
    fc.assert(fc.property(someMembers, fc.string(), (members, key) => {
      assert.deepEqual(new Ring(members).owners(key, 3), new Ring([...members].reverse()).owners(key, 3))
    }))
  })

  test('owners() are different members, the first of them owner(), all of them when asked for more', () => {
    fc.assert(fc.property(someMembers, fc.string(), fc.integer({ min: 1, max: 20 }), (members, key, replicas) => {
      const ring = new Ring(members)
      const owners = ring.owners(key, replicas)
      assert.equal(owners[0], ring.owner(key))
      assert.equal(owners.length, Math.min(replicas, members.length))
      assert.equal(new Set(owners).size, owners.length)
      assert.ok(owners.every((owner) => ring.members.includes(owner)))
    }))
  })

  test('gives what a new member gets from the others, and moves nothing between them', () => {
    fc.assert(fc.property(someMembers, weight, (members, newWeight) => {
      const before = new Ring(members)
      const after = new Ring([...members, { id: 'one that is new', weight: newWeight }])
      for (const key of KEYS.slice(0, 300)) assert.ok([before.owner(key), 'one that is new'].includes(after.owner(key)))
    }))
  })

  test('gives away only what the one that goes had', () => {
    fc.assert(fc.property(someMembers, (members) => {
      const [gone, ...rest] = members
      const before = new Ring(members)
      const after = new Ring(rest)
      for (const key of KEYS.slice(0, 300)) {
        if (before.owner(key) !== gone?.id) assert.equal(after.owner(key), before.owner(key))
        else assert.equal(after.owner(key), before.owners(key, 2)[1])
      }
    }))
  })

  test('replaces the points of a member whose weight changes', () => {
    fc.assert(fc.property(someMembers, weight, (members, other) => {
      const id = members[0]?.id ?? ''
      const ring = new Ring([...members, { id, weight: other }])
      assert.equal(ring.size, new Ring([{ id, weight: other }, ...members.slice(1)]).size)
      const before = new Ring(members)
      for (const key of KEYS.slice(0, 300)) assert.ok(ring.owner(key) === before.owner(key) || [ring.owner(key), before.owner(key)].includes(id))
    }))
  })

  test('moves at most 1.2/n of the keys to one more', () => {
    for (const count of [2, 10, 50]) {
      const before = new Ring(equal(count))
      const after = new Ring(equal(count + 1))
      const moved = KEYS.filter((key) => before.owner(key) !== after.owner(key)).length
      assert.ok(moved > 0 && moved <= 1.2 * KEYS.length / (count + 1), `${moved} of ${KEYS.length} for one more than ${count}`)
    }
  })

  test('is balanced: of 100 members none has 1.35 times the mean', () => {
    const keys = Array.from({ length: 200_000 }, (_, index) => `key/${index}`)
    const counts = [...shares(new Ring(equal(100)), keys).values()]
    const most = Math.max(...counts) / 2_000
    const least = Math.min(...counts) / 2_000
    assert.ok(most <= 1.35 && least >= 0.7, `most ${most}, least ${least}`)
  })

  test('shares by weight', () => {
    const ring = new Ring([{ id: 'A', weight: 1 }, { id: 'B', weight: 2 }, { id: 'C', weight: 3 }])
    const keys = Array.from({ length: 60_000 }, (_, index) => String(index))
    const counts = shares(ring, keys)
    for (const [id, ideal] of [['A', 10_000], ['B', 20_000], ['C', 30_000]] as const) {
      const count = counts.get(id) ?? 0
      assert.ok(Math.abs(count - ideal) < 0.15 * ideal, `${id} has ${count}`)
    }
  })

  test('gives a tiny weight a point, and a huge one no more than 100', () => {
    assert.equal(new Ring([{ id: 'a', weight: 0.000_1 }]).size, 1)
    assert.equal(new Ring([{ id: 'a', weight: 0.5 }]).size, 80)
    assert.equal(new Ring([{ id: 'a', weight: 1e9 }]).size, 16_000)
  })

  test('of nobody has no owners', () => {
    const ring = new Ring([])
    assert.equal(ring.owner('a'), undefined)
    assert.deepEqual(ring.owners('a', 2), [])
  })

  test('refuses keys that are no text, and replicas that are no number of them', () => {
    const ring = new Ring(equal(2))
    for (const key of [42, {}, undefined, Buffer.from('a')]) {
      assert.throws(() => ring.owner(key as unknown as string), TypeError)
      assert.throws(() => ring.owners(key as unknown as string), TypeError)
    }
    for (const replicas of [0, -1, 1.5, Number.NaN]) assert.throws(() => ring.owners('a', replicas), RangeError)
  })
})

test('weightOf() takes a number above 0, and 1 for all else', () => {
  assert.equal(weightOf({ weight: 2.5 }), 2.5)
  for (const weight of [undefined, null, 0, -1, Number.NaN, Infinity, '2', {}]) assert.equal(weightOf({ weight }), 1)
})

const VECTORS = ['bar,baz,foo', 'baz,bar,foo', 'bar,baz,foo', 'baz,bar,foo', 'baz,bar,foo', 'baz,bar,foo']
