import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDuration, formatSize, parseDuration, parseSize } from '#src/base/units.js'

const durations: readonly (readonly [string, number | undefined])[] = [
  ['500ms', 500], ['5s', 5_000], ['2m', 120_000], ['2min', 120_000], ['1h', 3_600_000], ['1d', 86_400_000],
  ['1.5', 1_500], ['0', 0], ['.5', 500], ['0.1', 100], ['5 s', 5_000], [' 5s ', 5_000], ['1e3', undefined],
  ['', undefined], ['s', undefined], ['-1s', undefined], ['+1s', undefined], ['5S', undefined], ['5.s', undefined],
  ['5 s s', undefined], ['5weeks', undefined], ['5constructor', undefined], ['Infinity', undefined], ['NaN', undefined],
  ['0x10', undefined], ['1,5', undefined], [`${'9'.repeat(400)}`, undefined],
]

for (const [text, ms] of durations) {
  test(`parseDuration(${JSON.stringify(text.slice(0, 20))}) is ${ms}`, () => assert.equal(parseDuration(text), ms))
}

const sizes: readonly (readonly [string, number | undefined])[] = [
  ['4096', 4_096], ['100B', 100], ['64MiB', 64 * 2 ** 20], ['1GB', 1e9], ['1kB', 1_000], ['1KB', 1_000], ['1KiB', 1_024],
  ['0.5KiB', 512], ['1 TiB', 2 ** 40], ['0', 0], ['1.5', undefined], ['0.0001kB', undefined], ['64mib', undefined],
  ['64M', undefined], ['-1', undefined], ['9007199254740993', undefined], ['9000TiB', undefined],
]

for (const [text, bytes] of sizes) {
  test(`parseSize(${JSON.stringify(text)}) is ${bytes}`, () => assert.equal(parseSize(text), bytes))
}

test('formatDuration() is the shortest text', () => {
  const texts = [0, 1, 1_500, 60_000, 90_000, 7_200_000, 86_400_000, 90_000_000].map(formatDuration)
  assert.deepEqual(texts, ['0', '1ms', '1500ms', '1m', '90s', '2h', '1d', '25h'])
})

test('formatSize() is the shortest text', () => {
  assert.deepEqual([0, 100, 1_024, 1_536, 64 * 2 ** 20, 2 ** 40].map(formatSize), ['0', '100B', '1KiB', '1536B', '64MiB', '1TiB'])
})

test('parseDuration() reads back what formatDuration() writes', () => {
  fc.assert(fc.property(fc.nat({ max: 10 ** 12 }), (ms) => assert.equal(parseDuration(formatDuration(ms)), ms)))
})

test('parseSize() reads back what formatSize() writes', () => {
  fc.assert(fc.property(fc.maxSafeNat(), (bytes) => assert.equal(parseSize(formatSize(bytes)), bytes)))
})

test('parseDuration() and parseSize() throw for no text', () => {
  fc.assert(fc.property(fc.string(), (text) => {
    for (const value of [parseDuration(text), parseSize(text)]) assert.ok(value === undefined || (value >= 0 && Number.isFinite(value)))
  }))
})
