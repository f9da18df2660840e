import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EmbeddedStore } from '#src/coordination/embedded/embedded-store.js'
import { EMBEDDED_FEATURES } from '#src/coordination/embedded/embedded-client.js'
import { OpeningStore } from '#src/coordination/opening-store.js'

function counted(): { readonly store: OpeningStore; readonly opened: () => number } {
  let opened = 0
  const store = new OpeningStore(EMBEDDED_FEATURES, async () => {
    opened++
    return new EmbeddedStore()
  })
  return { store, opened: () => opened }
}

test('OpeningStore that was closed rejects every call, and is not opened again', async () => {
  const { store, opened } = counted()
  await store.listGroups()
  await store.close()
  await assert.rejects(store.listGroups(), { code: 'COORDINATOR_STOPPED' })
  await assert.rejects(store.status(), { code: 'COORDINATOR_STOPPED' })
  await assert.rejects(store.subscribe('group:a', () => {}), { code: 'COORDINATOR_STOPPED' })
  assert.equal(opened(), 1)
})

test('OpeningStore that was never opened stays so when it is closed', async () => {
  const { store, opened } = counted()
  await store.close()
  await assert.rejects(store.opened(), { code: 'COORDINATOR_STOPPED' })
  assert.equal(opened(), 0)
})

test('OpeningStore.release() is not what opens it: who was never reached has given nothing', async () => {
  const { store, opened } = counted()
  assert.equal(await store.release({ name: 'lock:a', id: 'm#1.1' }), 'gone')
  assert.equal(opened(), 0)
})
