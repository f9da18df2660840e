import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hasCode } from '#src/base/errors.js'
import { WeightedPriorityQueue } from '#src/queue/weighted-priority-queue.js'
import { FakeClock } from '../../support/fake-clock.js'

const classes = { high: 9, low: 1 }

test('WeightedPriorityQueue gives low its tenth of the turns while both have items, spread evenly', () => {
  const queue = new WeightedPriorityQueue<string, 'high' | 'low'>({ classes, capacity: 10_000 })
  for (let i = 0; i < 10_000; i++) for (const name of ['high', 'low'] as const) queue.tryPut(name, name)
  const taken = Array.from({ length: 5_000 }, () => queue.tryTake())
  assert.equal(taken.filter((each) => each === 'low').length, 500)
  for (let at = 0; at < taken.length; at += 10) assert.equal(taken.slice(at, at + 10).filter((each) => each === 'low').length, 1)
})

test('WeightedPriorityQueue gives all turns to the only class that has items, which saves up none', () => {
  const queue = new WeightedPriorityQueue<string, 'high' | 'low'>({ classes })
  for (let i = 0; i < 1_000; i++) queue.tryPut('high', 'high')
  for (let i = 0; i < 500; i++) assert.equal(queue.tryTake(), 'high')
  for (let i = 0; i < 100; i++) queue.tryPut('low', 'low')
  const next = Array.from({ length: 10 }, () => queue.tryTake())
  assert.equal(next.filter((each) => each === 'low').length, 1)
})

test('WeightedPriorityQueue.take() lets no item of low wait longer than the bound and one item, under a flood of high', () => {
  const [itemMs, maxAgeMs, seconds] = [1, 200, 10]
  const clock = { time: 0, now: () => clock.time, sleep: () => Promise.reject(new Error('nobody sleeps')) }
  const queue = new WeightedPriorityQueue<{ name: 'high' | 'low', at: number }, 'high' | 'low'>({ classes: { high: 1_000, low: 1 }, maxAgeMs, capacity: 100_000, clock })
  const waits = { high: [] as number[], low: [] as number[] }
  const due = { high: 0, low: 0 }
  const arrive = (name: 'high' | 'low', everyMs: number): void => {
    for (; due[name] <= clock.time && due[name] < seconds * 1_000; due[name] += everyMs) queue.tryPut({ name, at: clock.time }, name)
  }
  while (clock.time < seconds * 1_000 || queue.size > 0) {
    arrive('high', 1_000 / 1_200)
    arrive('low', 1_000 / 20)
    const item = queue.tryTake()
    if (item) waits[item.name].push(clock.time - item.at)
    clock.time += itemMs
  }
  assert.equal(waits.low.length, 200)
  assert.equal(waits.high.length, 12_000)
  assert.ok(Math.max(...waits.low) <= maxAgeMs + itemMs, `low waited ${Math.max(...waits.low)} ms`)
  assert.ok(Math.max(...waits.high) > maxAgeMs, 'high was flooded')
})

test('WeightedPriorityQueue serves control first, and a flood of data takes none of its room', async () => {
  const queue = new WeightedPriorityQueue<string, 'high' | 'low'>({ classes, capacity: 3, maxAgeMs: 0 })
  for (let i = 0; i < 5; i++) queue.tryPut('data', 'high')
  assert.equal(queue.tryPut('data', 'high'), false)
  await queue.put('drain', 'control')
  assert.deepEqual([queue.tryTake(), queue.tryTake()], ['drain', 'data'])
  assert.equal(queue.statistics().control.takes, 1)
})

test('WeightedPriorityQueue.put() waits for room in its own class', async () => {
  const queue = new WeightedPriorityQueue<number, 'high' | 'low'>({ classes, capacity: 1 })
  await queue.put(1, 'high')
  const waiting = queue.put(2, 'high')
  await queue.put(3, 'low')
  assert.equal(queue.waitingPuts, 1)
  assert.deepEqual([queue.tryTake(), queue.size], [1, 2])
  await waiting
  queue.close()
  assert.deepEqual([await queue.take(), await queue.take()].sort(), [2, 3])
  await assert.rejects(queue.take(), (error) => hasCode(error, 'QUEUE_CLOSED'))
  await assert.rejects(queue.put(4, 'low'), (error) => hasCode(error, 'QUEUE_CLOSED'))
})

test('WeightedPriorityQueue refuses unknown classes and bad options', async () => {
  const queue = new WeightedPriorityQueue<number>({ classes })
  assert.throws(() => queue.tryPut(1, 'middle'), RangeError)
  await assert.rejects(queue.put(1, 'middle'), RangeError)
  assert.throws(() => new WeightedPriorityQueue({ classes: { control: 1 } }), RangeError)
  assert.throws(() => new WeightedPriorityQueue({ classes: { high: 0 } }), RangeError)
  assert.throws(() => new WeightedPriorityQueue({ classes, maxAgeMs: -1 }), RangeError)
  assert.throws(() => new WeightedPriorityQueue({ classes, capacity: 0 }), RangeError)
})

test('WeightedPriorityQueue loses and doubles nothing, keeps the order of each class, and hands items to those who wait', async () => {
  const names = fc.constantFrom('high', 'low', 'control', 'take', 'tick')
  await fc.assert(fc.asyncProperty(fc.array(names, { maxLength: 120 }), async (steps) => {
    const clock = new FakeClock()
    const queue = new WeightedPriorityQueue<string, 'high' | 'low'>({ classes, maxAgeMs: 3, capacity: 2, clock })
    const [put, taken] = [[] as string[], [] as string[]]
    const pending: Promise<unknown>[] = []
    for (const [index, step] of steps.entries()) {
      if (step === 'tick') await clock.advance(1)
      else if (step === 'take') pending.push(queue.take().then((item) => taken.push(item), () => {}))
      else pending.push(queue.put(`${step} ${index}`, step).then(() => put.push(`${step} ${index}`), () => {}))
      assert.ok(Object.values(queue.statistics()).every(({ size }) => size <= 2))
    }
    const draining = queue.drain()
    for (let item = queue.tryTake(); item !== undefined; item = queue.tryTake()) taken.push(item)
    await draining
    queue.close()
    await Promise.all(pending)
    for (const name of ['high', 'low', 'control']) {
      assert.deepEqual(taken.filter((item) => item.startsWith(name)).sort(byIndex), put.filter((item) => item.startsWith(name)).sort(byIndex))
    }
  }))
})

function byIndex(a: string, b: string): number {
  return Number(a.split(' ')[1]) - Number(b.split(' ')[1])
}
