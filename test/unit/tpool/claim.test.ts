import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { following, newClaim, start, takeBack } from '#src/tpool/claim.js'

describe('a claim', () => {
  test('lets the thread start calls in their order', () => {
    const claim = newClaim()
    assert.equal(start(claim, 0), true)
    assert.equal(start(claim, 1), true)
    assert.equal(takeBack(claim, 2), 2)
  })

  test('takes back what has not started; the thread passes over it', () => {
    const claim = newClaim()
    start(claim, 0)
    assert.equal(takeBack(claim, 4), 1)
    assert.deepEqual([1, 2, 3].map((number) => start(claim, number)), [false, false, false])
    assert.equal(start(claim, 4), true)
  })

  test('goes on after the last 32-bit number', () => {
    const claim = newClaim()
    claim[0] = 2 ** 31 - 1
    assert.equal(start(claim, 2 ** 31 - 1), true)
    assert.equal(following(2 ** 31 - 1), -(2 ** 31))
    assert.equal(start(claim, -(2 ** 31)), true)
  })
})
