import assert from 'node:assert/strict'
import { test } from 'node:test'
import { copyInto } from '#src/exec/byte-sink.js'
import { KeptOutput } from '#src/exec/kept-output.js'

const whole = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff))

test('KeptOutput keeps the last bytes, whatever the sizes of reads and bounds', () => {
  for (const maxBytes of [1, 1_000, 65_535, 65_536, 65_537, 1_048_577, 4_000_000]) {
    for (const length of [0, 1, 65_536, 65_537, 131_072, 2_500_000]) {
      const kept = new KeptOutput(maxBytes, 10_007)
      copyInto(kept, whole.subarray(0, length))
      assert.ok(kept.bytes().equals(whole.subarray(Math.max(0, length - maxBytes), length)), `${length} into ${maxBytes}`)
      assert.equal(kept.droppedBytes, Math.max(0, length - maxBytes))
    }
  }
})

test('KeptOutput gives no more memory away than twice what is in it', () => {
  for (const length of [10, 100_000, 2_000_000]) {
    const kept = new KeptOutput(2 ** 28, 2 ** 20)
    copyInto(kept, whole.subarray(0, length))
    assert.ok(kept.bytes().buffer.byteLength <= Math.max(8_192, 2 * length))
  }
})
