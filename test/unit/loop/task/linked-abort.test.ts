import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { aborted, LinkedAbort } from '#src/loop/task/linked-abort.js'

test('LinkedAbort aborts with the reason of the first source, also of one that has aborted before', () => {
  const [a, b] = [new AbortController(), new AbortController()]
  using link = new LinkedAbort([a.signal, undefined, b.signal])
  assert.equal(link.signal.aborted, false)
  b.abort('b')
  a.abort('a')
  assert.equal(link.signal.reason, 'b')
  using late = new LinkedAbort([a.signal])
  assert.equal(late.signal.reason, 'a')
})

test('LinkedAbort lets go of its sources at the end of its scope', () => {
  const source = new AbortController()
  {
    using link = new LinkedAbort([source.signal])
    assert.equal(link.signal.aborted, false)
    assert.equal(getEventListeners(source.signal, 'abort').length, 1)
  }
  assert.equal(getEventListeners(source.signal, 'abort').length, 0)
})

test('aborted() resolves with the abort', async () => {
  const source = new AbortController()
  const waiting = aborted(source.signal)
  source.abort()
  await waiting
  await aborted(source.signal)
})
