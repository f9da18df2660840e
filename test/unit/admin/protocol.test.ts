import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isRecord, parseRequest } from '#src/admin/protocol.js'

const requests: readonly (readonly [string, unknown])[] = [
  ['{"id":1,"method":"status","params":{"a":1}}', { id: 1, method: 'status', params: { a: 1 } }],
  ['{"id":"x","method":"status"}', { id: 'x', method: 'status', params: {} }],
  ['{"method":"status"}', { id: null, method: 'status', params: {} }],
  [' {"id":null,"method":"","params":{},"more":1}\r', { id: null, method: '', params: {} }],
]

for (const [line, request] of requests) {
  test(`parseRequest() takes ${line}`, () => assert.deepEqual(parseRequest(line), request))
}

const refused: readonly (readonly [string, string])[] = [
  ['', 'a request is one JSON object a line'],
  ['rubbish', 'a request is one JSON object a line'],
  ['null', 'a request is one JSON object a line'],
  ['[]', 'a request is one JSON object a line'],
  ['"status"', 'a request is one JSON object a line'],
  ['{"method":"a"}{"method":"b"}', 'a request is one JSON object a line'],
  ['{"id":{},"method":"a"}', '"id" is a number or a string'],
  ['{"id":true,"method":"a"}', '"id" is a number or a string'],
  ['{}', '"method" is a string'],
  ['{"method":7}', '"method" is a string'],
  ['{"method":"a","params":[]}', '"params" is an object'],
  ['{"method":"a","params":null}', '"params" is an object'],
]

for (const [line, rule] of refused) {
  test(`parseRequest() refuses ${JSON.stringify(line)}`, () => {
    assert.deepEqual(parseRequest(line), { code: 'CONTROL_INVALID_REQUEST', message: `Cannot answer the request as ${rule}` })
  })
}

test('parseRequest() throws for no line', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
    const parsed = parseRequest(line)
    assert.ok('code' in parsed || typeof parsed.method === 'string')
  }))
})

test('isRecord() is true for objects that are no arrays', () => {
  assert.deepEqual([{}, { a: 1 }, [], null, undefined, 'a', () => {}].map(isRecord), [true, true, false, false, false, false, false])
})
