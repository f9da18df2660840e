import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRecord } from '#src/coordination/record.js'
import { recordTail } from '#src/coordination/redis/record-tail.js'

test('recordTail() gives what makes one object with the fields before it', () => {
  for (const record of ['{}', '{ }', '{"host":"a"}', ' {\n"host": "a"}', '{ "a": {} }', '[]']) {
    const whole: unknown = JSON.parse('{"expires":1' + recordTail(record))
    assert.deepEqual(whole, { expires: 1, ...parseRecord(record) }, record)
  }
})

test('recordTail() throws on what is not JSON', () => {
  assert.throws(() => recordTail('host'), SyntaxError)
})
