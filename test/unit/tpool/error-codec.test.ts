import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeError, encodeError } from '#src/tpool/error-codec.js'

const sent = (error: unknown): unknown => decodeError(structuredClone(encodeError(error)))

describe('encodeError() and decodeError()', () => {
  test('keep what is no error', () => {
    assert.deepEqual(sent({ a: 1 }), { a: 1 })
    assert.equal(sent(undefined), undefined)
    assert.equal(sent(Symbol('s')), '(a symbol)')
  })

  test('keep class, message, stack, own properties and causes', () => {
    const error = Object.assign(new RangeError('far', { cause: 'a text' }), { code: 'FAR', path: '/x' })
    const copy = sent(error) as typeof error
    assert.ok(copy instanceof RangeError)
    assert.deepEqual([copy.message, copy.stack, copy.code, copy.path, copy.cause], ['far', error.stack, 'FAR', '/x', 'a text'])
  })

  test('keep the name of a class that is not known here', () => {
    class RbdError extends Error {
      override name = 'RbdError'
    }
    const copy = sent(new RbdError('no'))
    assert.ok(copy instanceof Error)
    assert.equal(copy.name, 'RbdError')
  })

  test('end a ring of causes', () => {
    const error = new Error('a')
    error.cause = error
    assert.ok(sent(error) instanceof Error)
  })
})
