import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatValue, parseText, sameValue } from '#src/config/option-value.js'

test('parseText() reads switches in any case and nothing else', () => {
  for (const text of ['true', 'YES', 'On', '1', ' true ']) assert.equal(parseText('boolean', text), true, text)
  for (const text of ['false', 'No', 'OFF', '0']) assert.equal(parseText('boolean', text), false, text)
  for (const text of ['', 'y', '2', 'enabled', '01', 'nope', 'toString']) assert.equal(parseText('boolean', text), undefined, text)
})

test('parseText() reads integers strictly', () => {
  assert.equal(parseText('integer', '-12'), -12)
  for (const text of ['', '12abc', '0x10', '1e3', '4.7', '4.0', '007', '+1', '-0', '1_000', '١', 'NaN', 'Infinity']) {
    assert.equal(parseText('integer', text), undefined, text)
  }
})

test('parseText() reads numbers strictly', () => {
  assert.equal(parseText('number', '.5'), 0.5)
  assert.equal(parseText('number', '-1.25e3'), -1250)
  for (const text of ['', '.', '-', '1s', '1.', 'NaN', 'Infinity', '0x1', '01.5', '1e']) assert.equal(parseText('number', text), undefined, text)
})

test('parseText() leaves text as it is', () => {
  for (const text of ['1.10', '1e3', '0x10', '', ' a ', 'true', 'null']) assert.equal(parseText('string', text), text)
})

test('parseText() reads durations in ms and sizes in bytes', () => {
  assert.equal(parseText('duration', '1.5'), 1500)
  assert.equal(parseText('duration', ' 2m '), 120_000)
  assert.equal(parseText('size', '64MiB'), 64 * 2 ** 20)
  assert.equal(parseText('duration', '5 fortnights'), undefined)
  assert.equal(parseText('duration', '-5'), undefined)
})

test('parseText() splits lists at commas and at ends of lines', () => {
  assert.deepEqual(parseText('list', 'a, b ,c,'), ['a', 'b', 'c'])
  assert.deepEqual(parseText('list', '\na\nb'), ['a', 'b'])
  assert.deepEqual(parseText('list', 'a,\nb'), ['a', 'b'])
  assert.deepEqual(parseText('list', '  '), [])
  for (const text of ['a,,b', ',a', ',']) assert.equal(parseText('list', text), undefined, text)
})

test('parseText() reads a whole number if and only if it is written as one', () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('0', '1', '9', '-', '+', '.', 'e', 'x', ' ', 'a') }), (text) => {
    const value = parseText('integer', text)
    if (value !== undefined) assert.equal(String(value), text.trim())
  }))
})

test('formatValue() writes what parseText() reads back', () => {
  const seconds = fc.integer({ min: 0, max: 2 ** 32 })
  fc.assert(fc.property(seconds, (value) => {
    for (const type of ['integer', 'duration', 'size'] as const) assert.equal(parseText(type, formatValue(type, value)), value)
  }))
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
    assert.equal(parseText('number', formatValue('number', value)), value === 0 ? 0 : value)
  }))
  assert.deepEqual(parseText('list', formatValue('list', ['a', 'b'])), ['a', 'b'])
  assert.equal(formatValue('string', undefined), '')
})

test('sameValue() compares lists item by item', () => {
  assert.ok(sameValue(['a'], ['a']))
  assert.ok(!sameValue(['a'], ['b']))
  assert.ok(!sameValue(['a'], ['a', 'b']))
  assert.ok(!sameValue('1', 1))
  assert.ok(sameValue(undefined, undefined))
})
