import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { disorders, fencesThatDoNotGrow, overlaps, readHolds } from '../../support/lock-judge.js'
import type { LockEvent } from '../../support/lock-worker.js'

type Seen = LockEvent & { readonly process: string }

const granted = (process: string, fence: number, at: number, changes: { readonly capacity?: number; readonly weight?: number } = {}): Seen =>
  ({ process, kind: 'granted', hold: 1, name: 'n', capacity: 1, weight: 1, fence: String(fence), call: at - 1, at, until: at + 100, ...changes })
const holding = (process: string, at: number): Seen => ({ process, kind: 'holding', hold: 1, at, until: at + 100 })
const lost = (process: string, at: number): Seen => ({ process, kind: 'lost', hold: 1, at })
const released = (process: string, call: number, done = true): readonly Seen[] =>
  [{ process, kind: 'releasing', hold: 1, at: call }, { process, kind: 'released', hold: 1, at: call + 1, done }]

function judge(...events: readonly Seen[]) {
  const holds = readHolds(events)
  return { overlaps: overlaps(holds).length, fences: fencesThatDoNotGrow(holds).length, disorders: disorders(holds).length }
}
const KEPT = { overlaps: 0, fences: 0, disorders: 0 }

describe('the judge of locks', () => {
  test('is content with one holder after the other', () => {
    assert.deepEqual(judge(granted('a', 1, 10), ...released('a', 20), granted('b', 2, 22), ...released('b', 30)), KEPT)
  })

  test('is content with a holder whose lease ran out', () => {
    assert.deepEqual(judge(granted('a', 1, 10), lost('a', 90), ...released('a', 300, false), granted('b', 2, 200)), KEPT)
  })

  test('is content with one that was killed, once its lease is over', () => {
    assert.deepEqual(judge(granted('a', 1, 10), holding('a', 20), granted('b', 2, 121)), KEPT)
  })

  test('is content with as many as a semaphore has room for', () => {
    assert.deepEqual(judge(granted('a', 1, 10, { capacity: 3, weight: 2 }), granted('b', 2, 20, { capacity: 3 })), KEPT)
  })

  test('finds two who were told that they hold', () => {
    assert.deepEqual(judge(granted('a', 1, 10), ...released('a', 30), granted('b', 2, 20), ...released('b', 40)), { overlaps: 1, fences: 0, disorders: 1 })
  })

  test('finds the grant before the end of a lease that was renewed', () => {
    assert.deepEqual(judge(granted('a', 1, 10), holding('a', 100), ...released('a', 160), granted('b', 2, 150)), { overlaps: 1, fences: 0, disorders: 1 })
  })

  test('finds the grant before the lease of one that was killed is over', () => {
    assert.deepEqual(judge(granted('a', 1, 10), granted('b', 2, 50)), { overlaps: 0, fences: 0, disorders: 1 })
  })

  test('finds more than a semaphore has room for', () => {
    const share = { capacity: 3, weight: 2 }
    assert.deepEqual(judge(granted('a', 1, 10, share), ...released('a', 30), granted('b', 2, 20, share), ...released('b', 40)), { overlaps: 1, fences: 0, disorders: 1 })
  })

  test('finds fences that do not grow, or come twice', () => {
    assert.deepEqual(judge(granted('a', 5, 10), ...released('a', 20), granted('b', 4, 30)), { overlaps: 0, fences: 1, disorders: 1 })
    assert.deepEqual(judge(granted('a', 5, 10), ...released('a', 20), granted('b', 5, 30)), { overlaps: 0, fences: 2, disorders: 1 })
  })
})
