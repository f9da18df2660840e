import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Deque } from '#src/queue/deque.js'

test('Deque does as an array does', () => {
  const operation = fc.oneof({ weight: 4, arbitrary: fc.integer() }, { weight: 2, arbitrary: fc.constant('shift' as const) }, { weight: 1, arbitrary: fc.record({ unshift: fc.integer() }) }, { weight: 1, arbitrary: fc.constant('burst' as const) })
  fc.assert(fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
    const [deque, model] = [new Deque<number>(), [] as number[]]
    const shift = (): void => assert.equal(deque.shift(), model.shift())
    for (const each of operations) {
      if (each === 'shift') shift()
      else if (each === 'burst') while (model.length > 1) shift()
      else if (typeof each === 'number') [each, each + 1, each + 2].forEach((item) => { deque.push(item); model.push(item) })
      else model.unshift((deque.unshift(each.unshift), each.unshift))
      assert.equal(deque.size, model.length)
      assert.equal(deque.peek(), model[0])
    }
    assert.deepEqual(deque.clear(), model)
    assert.equal(deque.size, 0)
    assert.equal(deque.shift(), undefined)
  }))
})
