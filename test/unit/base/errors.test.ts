import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CodedError, codeOf, hasCode, messageOf, stackOf } from '#src/base/errors.js'

test('CodedError carries code, message, details and cause', () => {
  const cause = new Error('below')
  const error = new CodedError('LOCK_LOST', 'Cannot go on', { cause, details: { name: 'a' } })
  assert.ok(error instanceof Error)
  assert.equal(error.name, 'CodedError')
  assert.equal(error.code, 'LOCK_LOST')
  assert.equal(error.message, 'Cannot go on')
  assert.equal(error.cause, cause)
  assert.deepEqual(error.details, { name: 'a' })
})

test('CodedError has empty details and no cause where none were given', () => {
  const error = new CodedError('A', 'b')
  assert.deepEqual(error.details, {})
  assert.ok(!('cause' in error))
})

test('hasCode() matches the code of any class, and of a plain object that lost its class', () => {
  assert.ok(hasCode(new CodedError('A', 'b'), 'A'))
  assert.ok(hasCode(Object.assign(new TypeError('b'), { code: 'A' }), 'A'))
  assert.ok(hasCode(JSON.parse('{"code":"A"}'), 'A'))
  assert.ok(!hasCode(new CodedError('A', 'b'), 'B'))
})

test('codeOf() is undefined for what has no code that is text', () => {
  for (const thrown of [undefined, null, 'A', 7, {}, new Error('a'), { code: 7 }, { code: undefined }]) assert.equal(codeOf(thrown), undefined)
})

test('messageOf() gives the message of an error, else the thing as text', () => {
  assert.equal(messageOf(new Error('a')), 'a')
  assert.equal(messageOf('a'), 'a')
  assert.equal(messageOf(undefined), 'undefined')
})

test('stackOf() gives the stack and every cause', () => {
  const deepest = new RangeError('three')
  const error = new Error('one', { cause: new CodedError('TWO', 'two', { cause: deepest }) })
  assert.match(stackOf(error), /^Error: one\n {4}at [^]*\nCaused by: CodedError: two\n {4}at [^]*\nCaused by: RangeError: three\n {4}at /)
  assert.equal(stackOf(new Error('one', { cause: 'a text' })).split('\nCaused by: ')[1], 'a text')
})

test('stackOf() gives name and message of an error without a stack, and the text of what is no error', () => {
  const error = new TypeError('a')
  Reflect.deleteProperty(error, 'stack')
  assert.equal(stackOf(error), 'TypeError: a')
  assert.equal(stackOf(7), '7')
})

test('stackOf() ends where causes go in a ring', () => {
  const [first, second] = [new Error('first'), new Error('second')]
  first.cause = second
  second.cause = first
  assert.equal(stackOf(first).match(/Caused by: /g)?.length, 1)
})
