import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { EmbeddedStore } from '#src/coordination/embedded/embedded-store.js'
import { createServiceRecords } from '#src/coordination/group/services.js'
import type { ServiceRecords } from '#src/coordination/contract.js'
import { FakeClock } from '../../../support/fake-clock.js'

function setting(context: TestContext): { readonly clock: FakeClock; readonly embedded: EmbeddedStore; readonly services: ServiceRecords } {
  const clock = new FakeClock()
  const embedded = new EmbeddedStore({ clock })
  context.after(() => embedded.close())
  return { clock, embedded, services: createServiceRecords(embedded, () => 1_700_000_000_000) }
}

test('ServiceRecords.report() says that a service is up for its ttl; its record outlives it', async (t) => {
  const { clock, services } = setting(t)
  await services.report('volume@h1', { host: 'h1', backends: ['rbd'] })
  await services.report('volume@h2', {}, { ttlMs: 1_000 })
  await clock.advance(5_000)
  assert.deepEqual(await services.list(), [
    { id: 'volume@h1', record: { host: 'h1', backends: ['rbd'] }, up: true, lastSeenMs: 5_000, disabled: false, disabledReason: undefined },
    { id: 'volume@h2', record: {}, up: false, lastSeenMs: 5_000, disabled: false, disabledReason: undefined },
  ])
  assert.deepEqual([await services.isUp('volume@h1'), await services.isUp('volume@h2'), await services.isUp('nobody')], [true, false, false])
  await clock.advance(600_000)
  await services.report('volume@h1', { host: 'h1' })
  assert.deepEqual((await services.list()).map(({ up }) => up), [true, false])
})

test('ServiceRecords.report() refuses ids and ttls that are none', async (t) => {
  const { services } = setting(t)
  await assert.rejects(services.report('', {}), RangeError)
  for (const ttlMs of [0, -1, 86_400_001, Number.NaN, Infinity]) await assert.rejects(services.report('s', {}, { ttlMs }), RangeError)
})

test('ServiceRecords.disable() stands through reports until enable()', async (t) => {
  const { embedded, services } = setting(t)
  await services.report('s', {})
  await services.disable('s', 'disk is failing')
  await services.report('s', { changed: true })
  const [record] = await services.list()
  assert.deepEqual([record?.disabled, record?.disabledReason, record?.up], [true, 'disk is failing', true])
  assert.deepEqual((await embedded.readGroup('services')).members[0]?.mark, { disabled: true, reason: 'disk is failing', at: 1_700_000_000_000 })
  await services.enable('s')
  assert.equal((await services.list())[0]?.disabled, false)
})

test('ServiceRecords.disable() and enable() of an unknown service are SERVICE_NOT_FOUND', async (t) => {
  const { services } = setting(t)
  await assert.rejects(services.disable('s', 'why'), { code: 'SERVICE_NOT_FOUND', message: 'Cannot disable the service "s" as it has never reported' })
  await assert.rejects(services.enable('s'), { code: 'SERVICE_NOT_FOUND' })
})

test('ServiceRecords.forget() drops a record', async (t) => {
  const { services } = setting(t)
  await services.report('s', {})
  assert.equal(await services.forget('s'), true)
  assert.equal(await services.forget('s'), false)
  assert.deepEqual(await services.list(), [])
})
