import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isVolumeName, parseVolumeName } from '#src/examples/volume/volume-name.js'

test('parseVolumeName() takes plain, spaced, dotted and non-English names', () => {
  for (const name of ['disk.img', 'a b', 'x..y', 'Straße', 'é', '日本', '🙂', '%41', 'a'.repeat(255)]) {
    assert.equal(parseVolumeName(encodeURIComponent(name)), name)
    assert.ok(isVolumeName(name))
  }
})

test('parseVolumeName() refuses what is no file name, is hidden, or looks like another name', () => {
  const bad = [
    '', '.', '..', '.draft-1', '%2e%2e', 'a%2Fb', 'a/b', 'a%5Cb', '%00', 'a%0Ab', 'a%7Fb', 'a%E2%80%AEb', '%E2%80%A8', '%FF', '%', '%zz',
    '%20a', 'a%20', 'e%CC%81', 'a'.repeat(256), '%C3%A9'.repeat(128),
  ]
  for (const segment of bad) {
    assert.throws(() => parseVolumeName(segment), { code: 'VOLUME_NAME_INVALID', message: /^Cannot use ".*" as the name of a volume as it must / }, segment)
  }
})
