import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VolumeTurns } from '#src/examples/volume/volume-turns.js'

test('VolumeTurns.take() lets the changes of one volume go one at a time, in their order, and those of others pass', async () => {
  const turns = new VolumeTurns()
  const began: string[] = []
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => { open = resolve })
  const first = turns.take('a', async () => { began.push('a1'); await opened; return 1 })
  const second = turns.take('a', async () => { began.push('a2'); return 2 })
  assert.equal(await turns.take('b', async () => { began.push('b'); return 3 }), 3)
  assert.deepEqual(began, ['a1', 'b'])
  open()
  assert.deepEqual(await Promise.all([first, second]), [1, 2])
  assert.deepEqual(began, ['a1', 'b', 'a2'])
})

test('VolumeTurns.take() goes on after a change that failed', async () => {
  const turns = new VolumeTurns()
  const failed = turns.take('a', async () => { throw new Error('no') })
  const next = turns.take('a', async () => 'next')
  await assert.rejects(failed, /no/)
  assert.equal(await next, 'next')
})

test('VolumeTurns.take() gives up a change whose turn does not come, and never begins it', async () => {
  const turns = new VolumeTurns()
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => { open = resolve })
  const first = turns.take('a', () => opened)
  let begun = false
  await assert.rejects(turns.take('a', async () => { begun = true }, 1), { code: 'VOLUME_BUSY', message: /within 1 ms/ })
  open()
  await first
  await turns.take('a', async () => undefined)
  assert.equal(begun, false)
})
