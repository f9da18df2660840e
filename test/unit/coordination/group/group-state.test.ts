import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { changeBetween, GroupMemory, livingMembers } from '#src/coordination/group/group-state.js'
import { encodeCapabilities, encodeHostRecord, flattenMembers } from '#src/coordination/group/host-record.js'
import type { GroupSnapshot, StoredMember } from '#src/coordination/store.js'

function host(id: string, leftMs: number, members: Readonly<Record<string, object>> = { [`${id}/0`]: {} }): StoredMember {
  return { id, leftMs, mark: undefined, record: { host: id, pid: 1, members } }
}

function snapshot(version: number, ...members: readonly StoredMember[]): GroupSnapshot {
  return { version, members }
}

function idsOf({ members }: { readonly members: readonly { readonly id: string }[] }): readonly string[] {
  return members.map(({ id }) => id)
}

test('encodeHostRecord() gives one text for one record, whatever the order', () => {
  const members = [['b', '{"weight":2}'], ['a', '{}']] as const
  const text = '{"host":"h","pid":7,"members":{"a":{},"b":{"weight":2}}}'
  assert.equal(encodeHostRecord({ host: 'h', pid: 7, members: new Map(members) }), text)
  assert.equal(encodeHostRecord({ host: 'h', pid: 7, members: new Map([...members].reverse()) }), text)
})

test('encodeCapabilities() refuses what is no object of JSON', () => {
  assert.equal(encodeCapabilities('m', { weight: 2 }), '{"weight":2}')
  for (const bad of [undefined, null, 3, 'a', [], () => {}, { big: 1n }]) assert.throws(() => encodeCapabilities('m', bad as never), TypeError)
})

describe('flattenMembers()', () => {
  test('sorts the members of all hosts', () => {
    const members = flattenMembers([host('h2', 9, { b: { weight: 2 }, a: {} }), host('h1', 9, { c: {} })])
    assert.deepEqual(members, [{ id: 'a', host: 'h2', capabilities: {} }, { id: 'b', host: 'h2', capabilities: { weight: 2 } }, { id: 'c', host: 'h1', capabilities: {} }])
  })

  test('shows an id of two records as the one has it that was refreshed last', () => {
    const old = host('z', 3_000, { w: { n: 1 } })
    const young = host('a', 14_000, { w: { n: 2 } })
    for (const hosts of [[old, young], [young, old]]) assert.deepEqual(flattenMembers(hosts), [{ id: 'w', host: 'a', capabilities: { n: 2 } }])
  })

  test('takes what a stranger wrote as empty', () => {
    assert.deepEqual(flattenMembers([{ id: 'x', leftMs: 1, mark: undefined, record: { members: ['a'], host: 3 } }, { id: 'y', leftMs: 1, mark: undefined, record: { members: { b: 'no' } } }]), [
      { id: 'b', host: undefined, capabilities: {} },
    ])
  })
})

describe('changeBetween()', () => {
  const state = (version: number, ...hosts: readonly StoredMember[]) => new GroupMemory().take(snapshot(version, ...hosts), 0)

  test('has everybody in joined at first, even nobody', () => {
    assert.deepEqual(changeBetween(undefined, state(3, host('a', 1), host('b', 1)))?.joined, ['a/0', 'b/0'])
    assert.deepEqual(changeBetween(undefined, state(0)), { version: 0, members: [], joined: [], left: [], updated: [] })
  })

  test('tells who joined, left and changed', () => {
    const change = changeBetween(state(1, host('a', 1), host('b', 1), host('c', 1)), state(2, host('b', 1), host('c', 1, { 'c/0': { weight: 2 } }), host('d', 1)))
    assert.deepEqual({ ...change, members: undefined }, { version: 2, members: undefined, joined: ['d/0'], left: ['a/0'], updated: ['c/0'] })
  })

  test('calls one that moved to another host updated', () => {
    assert.deepEqual(changeBetween(state(1, host('a', 1, { w: {} })), state(2, host('b', 1, { w: {} })))?.updated, ['w'])
  })

  test('is undefined when only the version is another', () => {
    assert.equal(changeBetween(state(1, host('a', 1)), state(2, host('a', 9))), undefined)
  })
})

describe('GroupMemory', () => {
  test('leaves out those whose time has ended, and says when the next ends', () => {
    const { members, nextEndAt, doubtfulUntil } = new GroupMemory().take(snapshot(1, host('a', 4_000), host('b', 0), host('c', 9_000)), 100)
    assert.deepEqual(members.map(({ id }) => id), ['a/0', 'c/0'])
    assert.equal(nextEndAt, 4_100)
    assert.equal(doubtfulUntil, -Infinity)
  })

  test('keeps those for one ttl whose time ended while the store was away', () => {
    const memory = new GroupMemory()
    memory.take(snapshot(1, host('a', 15_000), host('b', 12_000)), 0)
    memory.interrupt()
    const after = memory.take(snapshot(1, host('a', -5_000), host('b', -8_000)), 20_000)
    assert.deepEqual(idsOf(after), ['a/0', 'b/0'])
    assert.equal(after.doubtfulUntil, 35_000)
    assert.deepEqual(idsOf(memory.take(snapshot(1, host('a', 15_000), host('b', -20_000)), 34_999)), ['a/0', 'b/0'])
    assert.deepEqual(idsOf(memory.take(snapshot(1, host('a', 15_000), host('b', -20_001)), 35_000)), ['a/0'])
  })

  test('keeps those for one ttl whom the store has forgotten', () => {
    const memory = new GroupMemory()
    memory.take(snapshot(7, host('a', 15_000), host('b', 12_000)), 0)
    assert.deepEqual(idsOf(memory.take(snapshot(0), 1_000)), ['a/0', 'b/0'])
    assert.deepEqual(idsOf(memory.take(snapshot(1, host('a', 15_000, { 'a/0': { weight: 2 } }), host('c', 15_000)), 2_000)), ['a/0', 'b/0', 'c/0'])
    assert.deepEqual(idsOf(memory.take(snapshot(1, host('a', 3_000), host('c', 3_000)), 16_000)), ['a/0', 'c/0'])
  })

  test('believes a store that was only asked late', () => {
    const memory = new GroupMemory()
    memory.take(snapshot(1, host('a', 15_000), host('b', 12_000)), 0)
    memory.interrupt()
    assert.deepEqual(idsOf(memory.take(snapshot(2, host('a', 15_000)), 1_000)), ['a/0'])
  })
})

test('livingMembers() are those whose time has not ended', () => {
  assert.deepEqual(livingMembers(snapshot(1, host('a', 1), host('b', -1))).map(({ id }) => id), ['a/0'])
})
