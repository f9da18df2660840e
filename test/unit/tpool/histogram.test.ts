import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Histogram } from '#src/tpool/histogram.js'

test('Histogram.quantile() is right to 13 % from a microsecond to half an hour', () => {
  for (const ms of [0.001, 0.007, 0.008, 0.1, 1, 33, 999, 60_000, 1_800_000]) {
    const histogram = new Histogram()
    for (let i = 0; i < 99; i++) histogram.record(ms)
    histogram.record(2_000_000)
    assert.ok(Math.abs(histogram.quantile(0.5) / ms - 1) <= 0.13, `${ms}: ${histogram.quantile(0.5)}`)
    assert.ok(histogram.quantile(1) > 1_800_000)
  }
  assert.equal(new Histogram().quantile(0.99), 0)
})
