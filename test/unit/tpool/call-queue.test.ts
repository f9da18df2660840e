import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CallQueue } from '#src/tpool/call-queue.js'
import { Call } from '#src/tpool/call.js'
import { FunctionStatistics } from '#src/tpool/function-statistics.js'

function call(priority: number, calledAt: number): Call {
  const statistics = new FunctionStatistics('a.b')
  const module = { id: 1, url: 'file:///a.js', remote: [], dispose: undefined }
  return new Call({ kind: 1, target: 1, name: 'b', args: [], marks: undefined, owner: undefined, module, statistics, options: { priority }, revive: () => undefined }, calledAt)
}

describe('CallQueue', () => {
  test('peek() is the highest priority, in order within one', () => {
    const queue = new CallQueue(1_000)
    const calls = [call(0, 0), call(2, 1), call(2, 2), call(1, 3)]
    for (const each of calls) queue.push(each)
    const order: number[] = []
    for (let next = queue.peek(10); next; next = queue.peek(10)) {
      queue.remove(next)
      order.push(calls.indexOf(next))
    }
    assert.deepEqual(order, [1, 2, 3, 0])
    assert.equal(queue.size, 0)
  })

  test('peek() is the oldest of those that have waited for the age bound', () => {
    const queue = new CallQueue(1_000)
    const [low, high] = [call(0, 0), call(9, 500)]
    queue.push(low)
    queue.push(high)
    assert.equal(queue.peek(999), high)
    assert.equal(queue.peek(1_000), low)
    assert.equal(queue.peek(1_500), low)
  })

  test('remove() takes from the middle, unshift() puts back in front', () => {
    const queue = new CallQueue(1_000)
    const [a, b, c] = [call(0, 0), call(0, 0), call(0, 0)]
    for (const each of [a, b, c]) queue.push(each)
    queue.remove(b)
    queue.remove(a)
    queue.unshift(a)
    assert.deepEqual(queue.drain(), [a, c])
  })

  test('forgets priorities that are not in use', () => {
    const queue = new CallQueue(1_000)
    for (let i = 0; i < 100; i++) {
      const each = call(i, 0)
      queue.push(each)
      queue.remove(each)
    }
    assert.equal(queue.peek(0), undefined)
  })
})
