import assert from 'node:assert/strict'
import { test } from 'node:test'
import { active, growTo, isReady, isStopped, keyOf, newSeat, newService, seatsOf, staying, type Service } from '#src/launcher/fleet.js'
import { serviceSpec } from '../../support/service-spec.js'

const NOW = 7

function serviceOf(workers: number): Service {
  return newService(serviceSpec({ workers }), NOW)
}

function numbers(service: Service): number[] {
  return service.slots.map(({ workerId }) => workerId)
}

test('newService() has one slot a worker, numbered from 0, each about to fork', () => {
  const service = serviceOf(3)
  assert.deepEqual(numbers(service), [0, 1, 2])
  for (const slot of service.slots) {
    assert.deepEqual(slot.serving.life, { state: { name: 'waiting', startAt: NOW }, failures: 0 })
    assert.equal(slot.service, service)
  }
})

test('growTo() adds what is missing, and takes nothing away', () => {
  const service = serviceOf(2)
  growTo(service, 4, NOW)
  assert.deepEqual(numbers(service), [0, 1, 2, 3])
  growTo(service, 1, NOW)
  assert.deepEqual(numbers(service), [0, 1, 2, 3])
})

test('growTo() gives the number of a leaving slot to a new one', () => {
  const service = serviceOf(3)
  const [, , last] = service.slots
  if (last) last.leaving = true
  growTo(service, 3, NOW)
  assert.deepEqual(numbers(service), [0, 1, 2, 2])
  assert.deepEqual(staying(service).map(({ workerId }) => workerId), [0, 1, 2])
  assert.ok(!staying(service).some((slot) => slot === last))
})

test('growTo() fills the lowest free number', () => {
  const service = serviceOf(3)
  service.slots.splice(1, 1)
  growTo(service, 3, NOW)
  assert.deepEqual(numbers(service), [0, 1, 2])
})

test('active() leaves out slots that leave, that are done, and all of an ended service', () => {
  const service = serviceOf(3)
  const [first, second] = service.slots
  if (first) first.leaving = true
  if (second) second.serving.life = { state: { name: 'stopped' }, failures: 0 }
  assert.deepEqual(active(service).map(({ workerId }) => workerId), [2])
  service.ended = true
  assert.deepEqual(active(service), [])
})

test('seatsOf() is the serving one, the successor, then those that retire', () => {
  const [slot] = serviceOf(1).slots
  assert.ok(slot)
  assert.deepEqual(seatsOf(slot), [slot.serving])
  const [successor, old] = [newSeat(1), newSeat(2)]
  Object.assign(slot, { successor, retiring: [old] })
  assert.deepEqual(seatsOf(slot).map((seat) => [slot.serving, successor, old].indexOf(seat)), [0, 1, 2])
})

test('isReady() and isStopped() tell the state of who serves', () => {
  const [slot] = serviceOf(1).slots
  assert.ok(slot)
  assert.deepEqual([isReady(slot), isStopped(slot.serving)], [false, false])
  slot.serving.life = { state: { name: 'ready', since: 0, beatBy: 1 }, failures: 0 }
  assert.deepEqual([isReady(slot), isStopped(slot.serving)], [true, false])
  slot.serving.life = { state: { name: 'stopped' }, failures: 0 }
  assert.deepEqual([isReady(slot), isStopped(slot.serving)], [false, true])
})

test('keyOf() names a slot within the launcher', () => {
  assert.deepEqual(serviceOf(2).slots.map(keyOf), ['api/0', 'api/1'])
})
