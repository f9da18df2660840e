import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { CodedError } from '#src/base/errors.js'
import { encodeJson } from '#src/log/encode.js'

interface WrittenError {
  readonly name: string
  readonly message: string
  readonly stack: string
  readonly code?: string
  readonly errno?: number
  readonly details?: unknown
  readonly cause?: WrittenError
  readonly errors?: readonly WrittenError[]
}

function write(error: unknown): WrittenError {
  return JSON.parse(encodeJson(error)) as WrittenError
}

test('encodeJson() writes what JSON has as JSON does', () => {
  const value = { a: [1, -2.5, 'x"\n', true, null], b: { c: {} }, d: undefined }
  assert.equal(encodeJson(value), JSON.stringify(value))
})

test('encodeJson() writes what JSON has no word for', () => {
  const cases: readonly (readonly [unknown, unknown])[] = [
    [12n, '12'], [Number.NaN, 'NaN'], [-Infinity, '-Infinity'], [undefined, null], [[undefined], [null]],
    [Symbol('s'), '[Symbol(s)]'], [function named() {}, '[Function: named]'], [/a"b/g, '/a"b/g'],
    [new Date(0), '1970-01-01T00:00:00.000Z'], [new Date(Number.NaN), 'Invalid Date'],
    [new Map([['a', 1n]]), { a: '1' }], [new Map([[1, 2]]), [[1, 2]]], [new Set([1, 2]), [1, 2]],
    [Buffer.alloc(3), '[Buffer: 3 bytes]'], [new ArrayBuffer(2), '[ArrayBuffer: 2 bytes]'],
    [{ toJSON: () => 'own' }, 'own'], [Object.create(null), {}], [new URL('http://x/'), 'http://x/'],
  ]
  for (const [value, expected] of cases) assert.deepEqual(JSON.parse(encodeJson(value)), expected)
})

test('encodeJson() ends a ring and a well, but not what merely occurs twice', () => {
  const ring: Record<string, unknown> = { name: 'ring' }
  ring['self'] = ring
  assert.equal(encodeJson(ring), '{"name":"ring","self":"[Circular]"}')
  const shared = { x: 1 }
  assert.equal(encodeJson([shared, shared]), '[{"x":1},{"x":1}]')
  let well: unknown = 'bottom'
  for (let depth = 0; depth < 20; depth++) well = { well }
  assert.match(encodeJson(well), /"\[Object\]"/)
  assert.match(encodeJson({ toJSON: () => ring }), /Circular/)
  assert.match(encodeJson(Array.from({ length: 1_005 }, () => 0)), /"… 5 more"\]$/)
})

test('encodeJson() never throws', () => {
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  const hostile = [
    { get bad() { throw new Error('no') } },
    { toJSON() { throw new Error('no') } },
    { toJSON() { throw Object.create(null) } },
    new Proxy({}, { ownKeys() { throw new Error('no') } }),
    new Proxy({}, { getPrototypeOf() { throw new Error('no') } }),
    revoked.proxy,
  ]
  for (const value of hostile) assert.doesNotThrow(() => { JSON.parse(encodeJson({ value })) })
  assert.deepEqual(JSON.parse(encodeJson(hostile[0])), { bad: '[Throws: no]' })
})

test('encodeJson() writes an error whole', () => {
  const cause = Object.assign(new Error('inner'), { errno: -2 })
  const error = new CodedError('OUTER', 'outer', { details: { size: 1n }, cause })
  const written = write(error)
  assert.equal(written.code, 'OUTER')
  assert.equal(written.message, 'outer')
  assert.equal(written.name, 'CodedError')
  assert.deepEqual(written.details, { size: '1' })
  assert.match(written.stack, /encode\.test/)
  assert.equal(written.cause?.message, 'inner')
  assert.equal(written.cause?.errno, -2)
  const both = write(new AggregateError([new Error('one'), 'two'], 'both'))
  assert.equal(both.errors?.[0]?.message, 'one')
  assert.equal(both.errors?.[1], 'two')
})

test('encodeJson() knows the errors of another realm, and a cause that is a ring', () => {
  assert.equal(write(runInNewContext('new TypeError("far")')).message, 'far')
  const error = new Error('mine')
  error.cause = error
  assert.equal(write(error).cause, '[Circular]')
})
