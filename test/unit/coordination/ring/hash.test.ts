import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashText } from '#src/coordination/ring/hash.js'

test('hashText() is MurmurHash3 of the code units: published vectors', () => {
  const vectors: readonly (readonly [text: string, seed: number, hash: number])[] = [
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['\uffff\uffff', 0, 0x76293b50],
    ['\u4321\u8765', 0, 0xf55b516b],
    ['\u4321\u8765', 0x5082edee, 0x2362f9de],
    ['\u4321', 0, 0xa0f7b07a],
    ['\0\0', 0, 0x2362f9de],
    ['\0', 0, 0x30f4c306],
  ]
  for (const [text, seed, hash] of vectors) assert.equal(hashText(text, seed), hash, JSON.stringify([text, seed]))
})

test('hashText() takes any text, lone surrogates too', () => {
  assert.notEqual(hashText('\ud800', 0), hashText('\ud801', 0))
  assert.notEqual(hashText('é', 0), hashText('e\u0301', 0))
})
