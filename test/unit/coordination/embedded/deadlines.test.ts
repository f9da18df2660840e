import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Deadlines } from '#src/coordination/embedded/deadlines.js'

test('Deadlines.take() gives each name once, no later than its earliest time', () => {
  const entries = fc.array(fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd', 'e'), at: fc.nat(50) }))
  fc.assert(fc.property(entries, fc.nat(60), (all, now) => {
    const deadlines = new Deadlines()
    for (const { name, at } of all) deadlines.set(name, at)
    const earliest = new Map<string, number>()
    for (const { name, at } of all) earliest.set(name, Math.min(at, earliest.get(name) ?? Infinity))
    const due = [...earliest].filter(([, at]) => at <= now).map(([name]) => name)
    assert.equal(deadlines.next(), all.length === 0 ? undefined : Math.min(...earliest.values()))
    assert.deepEqual(deadlines.take(now).sort(), due.sort())
    assert.deepEqual(deadlines.take(now), [])
    const left = [...earliest.values()].filter((at) => at > now)
    assert.equal(deadlines.next(), left.length === 0 ? undefined : Math.min(...left))
  }))
})

test('Deadlines.set() takes a name again after it was taken out', () => {
  const deadlines = new Deadlines()
  deadlines.set('a', 5)
  assert.deepEqual(deadlines.take(5), ['a'])
  deadlines.set('a', 9)
  assert.equal(deadlines.next(), 9)
})
