import assert from 'node:assert/strict'
import type { BeatReply, BeatRequest, CoordinationStore } from '#src/coordination/store.js'
import { LONG_MS, SHORT_MS, type Case, type Scene } from './scene.js'

/** What members and those who watch them may rely on. */
export const groupCases: readonly Case[] = [
  {
    title: 'beat() joins at first and then goes on being there',
    run: async (scene) => {
      const group = groupOf(scene)
      assert.deepEqual(await scene.first.readGroup(group), { version: 0, members: [] })
      assert.equal(await scene.first.groupVersion(group), 0)
      const first = await beat(scene.first, { group })
      assert.equal(first.joined, true)
      assert.ok(first.version > 0)
      assert.deepEqual(await beat(scene.second, { group, record: undefined }), { version: first.version, joined: false, holding: false })
      const { version, members } = await scene.second.readGroup(group)
      assert.equal(version, first.version)
      assert.deepEqual(members.map(({ id, record, mark }) => ({ id, record, mark })), [{ id: 'm', record: { a: 1 }, mark: undefined }])
      assert.ok((members[0]?.leftMs ?? 0) > LONG_MS / 2)
      assert.ok((await scene.first.listGroups()).includes(group))
    },
  },
  {
    title: 'beat() takes no record for the one there was, and {} for a new member',
    run: async (scene) => {
      const group = groupOf(scene)
      await beat(scene.first, { group, member: 'bare', record: undefined })
      await beat(scene.first, { group, member: 'full', record: '{"b":[{"}":"é"}]}' })
      await beat(scene.first, { group, member: 'full', record: undefined })
      assert.deepEqual(await records(scene, group), { bare: {}, full: { b: [{ '}': 'é' }] } })
    },
  },
  {
    title: 'the version grows with each change and only then',
    run: async (scene) => {
      const group = groupOf(scene)
      const versions = [(await beat(scene.first, { group })).version]
      const grows = async (grown: boolean, change: () => Promise<unknown>): Promise<void> => {
        await change()
        const version = await scene.second.groupVersion(group)
        const last = versions.at(-1) ?? 0
        assert.ok(grown ? version > last : version === last, `${last} to ${version} by ${String(change)}`)
        versions.push(version)
      }
      await grows(false, () => beat(scene.first, { group }))
      await grows(true, () => beat(scene.first, { group, record: '{"a":2}' }))
      await grows(true, () => beat(scene.first, { group, member: 'n' }))
      await grows(true, () => scene.first.mark({ group, member: 'n', mark: '{"disabled":true}' }))
      await grows(true, () => scene.first.mark({ group, member: 'n', mark: null }))
      await grows(true, () => scene.first.leave({ group, member: 'n' }))
      await grows(false, () => scene.first.leave({ group, member: 'n' }))
      await grows(false, () => scene.first.mark({ group, member: 'n', mark: '{}' }))
      assert.equal((await scene.first.readGroup(group)).version, versions.at(-1))
    },
  },
  {
    title: 'beat() of several groups answers in the order of the requests',
    run: async (scene) => {
      const [one, two, three] = [`${groupOf(scene)}.1`, `${groupOf(scene)}.2`, `${groupOf(scene)}.3`] as const
      await beat(scene.first, { group: two })
      const replies = await scene.first.beat([request({ group: one }), request({ group: two }), request({ group: three })])
      assert.deepEqual(replies.map(({ joined }) => joined), [true, false, true])
      assert.deepEqual(await scene.first.beat([]), [])
    },
  },
  {
    title: 'readGroup() sorts the members by id',
    run: async (scene) => {
      const group = groupOf(scene)
      for (const member of ['b', 'a', 'é', 'B', 'a/1']) await beat(scene.first, { group, member })
      const ids = (await scene.first.readGroup(group)).members.map(({ id }) => id)
      assert.deepEqual(ids, ['B', 'a', 'a/1', 'b', 'é'])
    },
  },
  {
    title: 'leave() drops the record, and says whether it was there',
    run: async (scene) => {
      const group = groupOf(scene)
      await beat(scene.first, { group })
      await beat(scene.first, { group, member: 'n' })
      assert.equal(await scene.second.leave({ group, member: 'm' }), true)
      assert.equal(await scene.second.leave({ group, member: 'm' }), false)
      assert.deepEqual(await records(scene, group), { n: { a: 1 } })
      assert.equal((await beat(scene.first, { group, record: undefined })).joined, true)
      assert.deepEqual(await records(scene, group), { m: {}, n: { a: 1 } })
    },
  },
  {
    title: 'who beats no more is dropped by those who do, and joins anew',
    run: async (scene) => {
      const group = groupOf(scene)
      await scene.first.beat([request({ group, member: 'alive', ttlMs: SHORT_MS }), request({ group, member: 'dead', ttlMs: SHORT_MS })])
      const before = await scene.first.groupVersion(group)
      await dropped(scene, group, 'dead')
      assert.ok(await scene.first.groupVersion(group) > before)
      assert.equal((await beat(scene.first, { group, member: 'dead', record: undefined })).joined, true)
      assert.deepEqual((await records(scene, group))['dead'], {})
    },
  },
  {
    title: 'nobody is dropped when nobody could beat, for one ttl',
    run: async (scene) => {
      const group = groupOf(scene)
      const ttlMs = 3_000
      await scene.first.beat([request({ group, member: 'a', ttlMs }), request({ group, member: 'b', ttlMs })])
      await scene.advance(ttlMs + 100)
      assert.deepEqual(await beat(scene.first, { group, member: 'a', ttlMs, record: undefined }).then(({ joined, holding }) => ({ joined, holding })), { joined: false, holding: true })
      assert.equal((await beat(scene.first, { group, member: 'b', ttlMs, record: undefined })).joined, false)
      assert.deepEqual(Object.keys(await records(scene, group)), ['a', 'b'])
    },
  },
  {
    title: 'whoever is still away after that is dropped',
    run: async (scene) => {
      const group = groupOf(scene)
      await scene.first.beat([request({ group, member: 'alive', ttlMs: SHORT_MS }), request({ group, member: 'dead', ttlMs: SHORT_MS })])
      await scene.advance(2 * SHORT_MS)
      assert.equal((await beat(scene.first, { group, member: 'alive', ttlMs: SHORT_MS })).holding, true)
      await dropped(scene, group, 'dead')
    },
  },
  {
    title: 'a kept member outlives its ttl with its record and its mark, and is only down',
    run: async (scene) => {
      const group = groupOf(scene)
      const ttlMs = SHORT_MS
      await beat(scene.first, { group, member: 'kept', ttlMs, keep: true })
      await scene.first.mark({ group, member: 'kept', mark: '{"reason":"disk"}' })
      await scene.advanceUntil('it is down', SHORT_MS / 6, async () => {
        await beat(scene.first, { group, member: 'alive', ttlMs, keep: true })
        return (await member(scene, group, 'kept')).leftMs <= 0
      })
      for (let turn = 0; turn < 20; turn++) {
        await scene.advance(SHORT_MS / 6)
        await beat(scene.first, { group, member: 'alive', ttlMs, keep: true })
      }
      const { leftMs, record, mark } = await member(scene, group, 'kept')
      assert.ok(leftMs <= -SHORT_MS, `down since ${-leftMs} ms`)
      assert.deepEqual({ record, mark }, { record: { a: 1 }, mark: { reason: 'disk' } })
      await beat(scene.first, { group, member: 'kept', keep: true })
      assert.ok((await member(scene, group, 'kept')).leftMs > 0)
      assert.equal(await scene.first.leave({ group, member: 'kept' }), true)
    },
  },
  {
    title: 'mark() is kept apart from the record',
    run: async (scene) => {
      const group = groupOf(scene)
      assert.equal(await scene.first.mark({ group, member: 'm', mark: '{}' }), false)
      await beat(scene.first, { group })
      assert.equal(await scene.second.mark({ group, member: 'm', mark: '{"by":"op"}' }), true)
      await beat(scene.first, { group, record: '{"b":2}' })
      assert.deepEqual(await member(scene, group, 'm').then(({ record, mark }) => ({ record, mark })), { record: { b: 2 }, mark: { by: 'op' } })
      assert.equal(await scene.second.mark({ group, member: 'm', mark: null }), true)
      assert.equal((await member(scene, group, 'm')).mark, undefined)
      await scene.second.mark({ group, member: 'm', mark: '{"by":"op"}' })
      await scene.first.leave({ group, member: 'm' })
      await beat(scene.first, { group })
      assert.equal((await member(scene, group, 'm')).mark, undefined)
    },
  },
  {
    title: 'deleteGroup() deletes what is empty',
    run: async (scene) => {
      const group = groupOf(scene)
      assert.equal(await scene.first.deleteGroup(group), 'missing')
      await beat(scene.first, { group })
      assert.equal(await scene.second.deleteGroup(group), 'not empty')
      await scene.first.leave({ group, member: 'm' })
      assert.equal(await scene.second.deleteGroup(group), 'deleted')
      assert.equal(await scene.second.deleteGroup(group), 'missing')
      assert.equal(await scene.first.groupVersion(group), 0)
      assert.ok(!(await scene.first.listGroups()).includes(group))
    },
  },
]

function groupOf(scene: Scene): string {
  return scene.name.replace('lock:', 'group of ')
}

function request(changes: Partial<BeatRequest> & { readonly group: string }): BeatRequest {
  return { member: 'm', ttlMs: LONG_MS, record: '{"a":1}', keep: false, ...changes }
}

async function beat(store: CoordinationStore, changes: Partial<BeatRequest> & { readonly group: string }): Promise<BeatReply> {
  const [reply] = await store.beat([request(changes)])
  assert.ok(reply)
  return reply
}

async function records(scene: Scene, group: string): Promise<Record<string, unknown>> {
  return Object.fromEntries((await scene.second.readGroup(group)).members.map(({ id, record }) => [id, record]))
}

async function member(scene: Scene, group: string, id: string) {
  const found = (await scene.second.readGroup(group)).members.find((each) => each.id === id)
  assert.ok(found, `${id} is in ${group}`)
  return found
}

/** The others beat until this one is gone. */
async function dropped(scene: Scene, group: string, id: string): Promise<void> {
  await scene.advanceUntil(`${id} is dropped`, SHORT_MS / 6, async () => {
    await beat(scene.first, { group, member: 'alive', ttlMs: SHORT_MS })
    return !((await scene.first.readGroup(group)).members.some((each) => each.id === id))
  })
}
