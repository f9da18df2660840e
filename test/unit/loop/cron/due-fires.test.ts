import assert from 'node:assert/strict'
import { test } from 'node:test'
import { COUNTED, dueFires } from '#src/loop/cron/due-fires.js'

/** A schedule that fires at every multiple of `ms`. */
const every = (ms: number) => (time: number): number => (Math.floor(time / ms) + 1) * ms

test('dueFires() gives a fire that is in time, and the next', () => {
  assert.deepEqual(dueFires(10_000, 10_003, 1_000, every(1_000)), { last: 10_000, inTime: true, missed: 0, next: 11_000 })
  assert.deepEqual(dueFires(10_000, 10_000, 0, every(1_000)), { last: 10_000, inTime: true, missed: 0, next: 11_000 })
})

test('dueFires() counts what was missed before one that is in time', () => {
  assert.deepEqual(dueFires(10_000, 13_100, 1_000, every(1_000)), { last: 13_000, inTime: true, missed: 3, next: 14_000 })
})

test('dueFires() counts one that is too late as missed', () => {
  assert.deepEqual(dueFires(60_000, 62_000, 1_000, every(60_000)), { last: 60_000, inTime: false, missed: 1, next: 120_000 })
  assert.deepEqual(dueFires(60_000, 179_000, 1_000, every(60_000)), { last: 120_000, inTime: false, missed: 2, next: 180_000 })
})

test('dueFires() finds the last of very many without going through them all', () => {
  let asked = 0
  const counted = (time: number): number => { asked++; return every(1_000)(time) }
  const now = 86_400_000 * 30 + 200
  assert.deepEqual(dueFires(1_000, now, 1_000, counted), { last: now - 200, inTime: true, missed: COUNTED - 1, next: now + 800 })
  assert.ok(asked < COUNTED + 50, `asked ${asked} times`)
  const sparse = (time: number): number => time < 5_000_000 ? every(1_000)(time) : 90_000_000
  assert.deepEqual(dueFires(1_000, 80_000_000, 1_000, sparse), { last: 5_000_000, inTime: false, missed: COUNTED, next: 90_000_000 })
})
