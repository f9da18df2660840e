import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fenceText, MAX_FENCE, parseFence, staleFence } from '#src/coordination/fence/fence.js'

test('parseFence() reads what fenceText() writes', () => {
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: MAX_FENCE }), (fence) => {
    assert.equal(parseFence(fenceText(fence)), fence)
  }))
})

for (const text of ['', ' ', '-1', '+1', '01', '1.0', '1e3', '0x10', '1n', ' 1', '1\n', '1,2', '9007199254740992', '99999999999999999999']) {
  test(`parseFence(${JSON.stringify(text)}) is none`, () => assert.equal(parseFence(text), undefined))
}

test('fenceText() refuses what is out of bounds, or no bigint', () => {
  assert.throws(() => fenceText(-1n), RangeError)
  assert.throws(() => fenceText(2n ** 53n), { name: 'RangeError', message: 'Cannot use a fence as it is 0 to 9007199254740991: 9007199254740992' })
  assert.throws(() => fenceText(1 as unknown as bigint), TypeError)
})

test('staleFence() has its facts as text, which survives JSON', () => {
  const { code, message, details } = staleFence('v7', 1n, 2n)
  assert.deepEqual([code, message, details], ['FENCE_STALE', 'Cannot write "v7" as it has seen a newer fence (2): 1', { resource: 'v7', fence: '1', newest: '2' }])
  assert.deepEqual(staleFence('v7', 1n).details, { resource: 'v7', fence: '1' })
})
