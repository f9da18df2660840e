import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isLauncherMessage, parseWorkerMessage } from '#src/ipc/messages.js'

const messages = [
  { reeve: 'ready' },
  { reeve: 'stopping' },
  { reeve: 'beat', loopDelayMs: 0.4, rssBytes: 50_000_000 },
  { reeve: 'extend', ms: 0 },
  { reeve: 'failed', message: '' },
]

for (const message of messages) {
  test(`parseWorkerMessage() takes ${JSON.stringify(message)}, and nothing that came with it`, () => {
    assert.deepEqual(parseWorkerMessage(message), message)
    assert.deepEqual(parseWorkerMessage({ ...message, more: 1 }), message)
  })
}

test("parseWorkerMessage() takes PM2's 'ready'", () => {
  assert.deepEqual(parseWorkerMessage('ready'), { reeve: 'ready' })
})

const foreign: readonly unknown[] = [
  undefined, null, 7, 'hello', [], {}, ['ready'], { type: 'ready' }, { reeve: 'start' }, { reeve: 'constructor' }, { reeve: ['ready'] },
  { reeve: 'beat' }, { reeve: 'beat', loopDelayMs: 1 }, { reeve: 'beat', loopDelayMs: '1', rssBytes: 1 }, { reeve: 'beat', loopDelayMs: -1, rssBytes: 1 },
  { reeve: 'beat', loopDelayMs: Number.NaN, rssBytes: 1 }, { reeve: 'extend', ms: Number.POSITIVE_INFINITY }, { reeve: 'extend', ms: -1 }, { reeve: 'extend' },
  { reeve: 'failed' }, { reeve: 'failed', message: { a: 1 } }, { reeve: 'failed', message: null },
]

for (const received of foreign) {
  test(`parseWorkerMessage() leaves ${JSON.stringify(received) ?? 'undefined'} to the program`, () => {
    assert.equal(parseWorkerMessage(received), undefined)
  })
}

test('parseWorkerMessage() throws for nothing that a channel can carry', () => {
  fc.assert(fc.property(fc.anything(), (received) => {
    const message = parseWorkerMessage(received)
    assert.ok(message === undefined || typeof message.reeve === 'string')
  }))
})

test('isLauncherMessage() knows the two kinds, and leaves the rest to the program', () => {
  assert.ok(isLauncherMessage({ reeve: 'start' }))
  assert.ok(isLauncherMessage({ reeve: 'reopen-logs' }))
  for (const received of [undefined, null, 'start', {}, { reeve: 'ready' }, { cmd: 'start' }]) assert.ok(!isLauncherMessage(received))
})
