import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { backoffDelay } from '#src/launcher/backoff.js'

const MAX_MS = 30_000
const longest = (): number => 0.999_999_999
const shortest = (): number => 0

test('backoffDelay() is 0 for the first death after a healthy period', () => {
  assert.equal(backoffDelay(0, MAX_MS, longest), 0)
})

test('backoffDelay() begins with 100 ms and doubles, up to its maximum', () => {
  const delays = [1, 2, 3, 4, 8, 9, 10, 11].map((failures) => Math.round(backoffDelay(failures, MAX_MS, longest)))
  assert.deepEqual(delays, [100, 200, 400, 800, 12_800, 25_600, 30_000, 30_000])
})

test('backoffDelay() takes off at most half, by chance', () => {
  assert.deepEqual([1, 2, 3, 20].map((failures) => backoffDelay(failures, MAX_MS, shortest)), [50, 100, 200, 15_000])
  assert.equal(backoffDelay(1, MAX_MS, () => 0.5), 75)
})

test('backoffDelay() is 0 where the maximum is 0', () => {
  assert.equal(backoffDelay(5, 0, longest), 0)
})

test('backoffDelay() stays between half of its maximum and it, however many failures', () => {
  fc.assert(fc.property(fc.integer({ min: 10, max: 100_000 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (failures, chance) => {
    const delay = backoffDelay(failures, MAX_MS, () => chance)
    assert.ok(delay >= MAX_MS / 2 && delay <= MAX_MS, String(delay))
  }))
})
