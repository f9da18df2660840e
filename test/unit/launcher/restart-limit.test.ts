import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addDeath, type RestartLimit } from '#src/launcher/restart-limit.js'

const limit: RestartLimit = { intensity: 3, periodMs: 1_000 }

/** What each of these deaths was answered with. */
function verdicts(times: readonly number[]): boolean[] {
  let deaths: readonly number[] = []
  return times.map((now) => {
    const added = addDeath(deaths, now, limit)
    deaths = added.deaths
    return added.allowed
  })
}

test('addDeath() allows as many deaths within the period as the intensity says, and not one more', () => {
  assert.deepEqual(verdicts([0, 1, 2, 3]), [true, true, true, false])
})

test('addDeath() forgets deaths that are older than the period', () => {
  assert.deepEqual(verdicts([0, 1, 2, 1_003]), [true, true, true, true])
})

test('addDeath() counts a death that is exactly as old as the period', () => {
  assert.deepEqual(verdicts([0, 1, 2, 1_000]), [true, true, true, false])
  assert.deepEqual(verdicts([0, 1, 2, 1_001]), [true, true, true, true])
})

test('addDeath() gives the newest first, and leaves what it was given', () => {
  const deaths = Object.freeze([5, 4, -2_000])
  assert.deepEqual(addDeath(deaths, 9, limit), { deaths: [9, 5, 4], allowed: true })
})

test('addDeath() never allows more than the intensity in any window of the period', () => {
  fc.assert(fc.property(fc.array(fc.nat({ max: 5_000 })), (unsorted) => {
    const times = [...unsorted].sort((a, b) => a - b)
    const expected = times.map((now, index) => times.slice(0, index + 1).filter((at) => at >= now - limit.periodMs).length <= limit.intensity)
    assert.deepEqual(verdicts(times), expected)
  }))
})
