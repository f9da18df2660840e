import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nearestName } from '#src/base/nearest.js'

const NAMES = ['workers', 'listen', 'boot_timeout', 'hang_timeout', 'name', 'host']

const slips: readonly (readonly [string, string, string | undefined])[] = [
  ['the same', 'workers', 'workers'],
  ['a letter changed', 'workerz', 'workers'],
  ['a letter added', 'workerss', 'workers'],
  ['a letter left out', 'wokers', 'workers'],
  ['two neighbours swapped', 'wrokers', 'workers'],
  ['two slips in seven letters', 'wrokerz', 'workers'],
  ['three slips in seven letters', 'wrokezz', undefined],
  ['one swap in a short word', 'nmae', 'name'],
  ['two slips in a short word', 'nmai', undefined],
  ['the nearer of two', 'hoot_timeout', 'boot_timeout'],
  ['something else', 'graceful', undefined],
  ['nothing', '', undefined],
]

for (const [what, typed, expected] of slips) {
  test(`nearestName() for ${what}: "${typed}"`, () => assert.equal(nearestName(typed, NAMES), expected))
}

test('nearestName() takes the first of equally near names', () => {
  assert.equal(nearestName('ca', ['cat', 'car']), 'cat')
})

test('nearestName() of no names is undefined', () => {
  assert.equal(nearestName('workers', []), undefined)
})

test('nearestName() finds every name by itself', () => {
  fc.assert(fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1 }), (names) => {
    for (const name of names) assert.equal(nearestName(name, names), name)
  }))
})
