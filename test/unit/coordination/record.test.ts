import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRecord } from '#src/coordination/record.js'

test('parseRecord() reads an object, and {} from anything else', () => {
  assert.deepEqual(parseRecord('{"a":[1]}'), { a: [1] })
  for (const text of ['', '[1]', 'null', '7', '{"a"']) assert.deepEqual(parseRecord(text), {})
})
