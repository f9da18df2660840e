import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { systemClock } from '#src/base/clock.js'
import { EmbeddedStore } from '#src/coordination/embedded/embedded-store.js'
import { HostMembership } from '#src/coordination/group/host-membership.js'
import { livingMembers } from '#src/coordination/group/group-state.js'
import { WorkerPlaces, type PlaceHolder } from '#src/coordination/host/worker-places.js'

const PLACE = { group: 'g', member: 'h/volume/0', ttlMs: 60_000 }

function world(t: TestContext) {
  const store = new EmbeddedStore()
  const places = new WorkerPlaces(async () => new HostMembership(store, { hostMember: 'h/volume', host: 'h', pid: 1, clock: systemClock, random: Math.random }))
  t.after(async () => {
    await places.stop()
    await store.close()
  })
  const members = async () => livingMembers(await store.readGroup('g')).map(({ id, capabilities }) => `${id} ${JSON.stringify(capabilities)}`)
  return { places, members }
}

function worker(number: number): PlaceHolder {
  return { number, silent: () => false, rejoined: () => {} }
}

test('WorkerPlaces: what the older worker of a slot says later changes nothing that the younger stands for', async (t) => {
  const { places, members } = world(t)
  const [old, young] = [worker(1), worker(2)]
  await places.put(old, { ...PLACE, capabilities: { by: 'old' } })
  await places.put(young, { ...PLACE, capabilities: { by: 'young' } })
  await places.put(old, { ...PLACE, capabilities: { by: 'old, again' } })
  assert.deepEqual(await members(), ['h/volume/0 {"by":"young"}'])
  await places.removeAll(old)
  assert.deepEqual(await members(), ['h/volume/0 {"by":"young"}'])
  assert.equal(await places.remove(young, PLACE), true)
  assert.deepEqual(await members(), [])
})

test('WorkerPlaces: a successor that fails gives its place back to the worker that goes on', async (t) => {
  const { places, members } = world(t)
  const [old, young] = [worker(1), worker(2)]
  await places.put(old, { ...PLACE, capabilities: { by: 'old' } })
  await places.put(young, { ...PLACE, capabilities: { by: 'young' } })
  await places.removeAll(young)
  assert.deepEqual(await members(), ['h/volume/0 {"by":"old"}'])
  assert.equal(await places.remove(young, PLACE), false)
})
