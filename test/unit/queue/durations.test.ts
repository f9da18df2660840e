import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Durations } from '#src/queue/durations.js'

test('Durations.summary() of nothing is 0', () => {
  assert.deepEqual(new Durations().summary(), { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 })
})

test('Durations.summary() is at most 1/32 and a microsecond above the exact percentiles', () => {
  fc.assert(fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 300 }), (values) => {
    const durations = new Durations()
    for (const value of values) durations.record(value)
    const sorted = [...values].sort((a, b) => a - b)
    const { count, p50Ms, p99Ms, maxMs } = durations.summary()
    assert.equal(count, values.length)
    assert.equal(maxMs, sorted.at(-1))
    for (const [measured, share] of [[p50Ms, 0.5], [p99Ms, 0.99]] as const) {
      const exact = sorted[Math.ceil(sorted.length * share) - 1] ?? 0
      assert.ok(measured >= exact && measured <= exact * (1 + 1 / 32) + 0.0011, `${measured} for ${exact}`)
    }
  }))
})
