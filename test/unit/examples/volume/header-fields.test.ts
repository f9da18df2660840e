import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseByteRange } from '#src/examples/volume/byte-range.js'
import { formatDigestField, parseDigestField } from '#src/examples/volume/digest-field.js'

test('parseByteRange() gives the span of one range', () => {
  assert.deepEqual(parseByteRange('bytes=0-0', 10), { start: 0, end: 0 })
  assert.deepEqual(parseByteRange('bytes=3-', 10), { start: 3, end: 9 })
  assert.deepEqual(parseByteRange('bytes=3-99', 10), { start: 3, end: 9 })
  assert.deepEqual(parseByteRange('bytes=-4', 10), { start: 6, end: 9 })
  assert.deepEqual(parseByteRange('bytes=-40', 10), { start: 0, end: 9 })
})

test('parseByteRange() tells what cannot be satisfied from what is passed over', () => {
  for (const value of ['bytes=10-', 'bytes=99-100', 'bytes=-0']) assert.equal(parseByteRange(value, 10), 'unsatisfiable')
  assert.equal(parseByteRange('bytes=0-', 0), 'unsatisfiable')
  for (const value of [undefined, '', 'bytes=-', 'bytes=5-3', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=a-b']) assert.equal(parseByteRange(value, 10), 'whole')
})

test('parseDigestField() reads back what formatDigestField() writes, among other algorithms', () => {
  const sha256 = 'ab'.repeat(32)
  const field = formatDigestField(sha256)
  assert.equal(parseDigestField(field), sha256)
  assert.equal(parseDigestField(`md5=:AAAA:, ${field}`), sha256)
  assert.equal(parseDigestField('md5=:AAAA:'), undefined)
  assert.equal(parseDigestField('sha-256=:AAAA:'), null)
  assert.equal(parseDigestField('sha-256=abc'), null)
})
