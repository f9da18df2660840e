import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAcquire } from '#src/coordination/redis/parse-acquire.js'

test('parseAcquire() tells the outcomes apart', () => {
  assert.deepEqual(parseAcquire([1, 1_763_712_868_123_456, 250, 1]), { status: 'granted', fence: 1_763_712_868_123_456n, leftMs: 250, replayed: true })
  assert.deepEqual(parseAcquire([0, 2, 3, 40]), { status: 'busy', position: 2, queued: 3, retryMs: 40 })
  assert.deepEqual(parseAcquire([-1, 9, 0, 0]), { status: 'quarantined', leftMs: 9 })
  assert.deepEqual(parseAcquire([-3, 4, 0, 0]), { status: 'mismatch', capacity: 4 })
})
