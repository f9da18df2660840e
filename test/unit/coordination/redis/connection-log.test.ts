import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConnectionLog } from '#src/coordination/redis/connection-log.js'
import { connectionNameOf, reconnectDelayMs } from '#src/coordination/redis/client-options.js'
import { ScriptTexts } from '#src/coordination/redis/script-texts.js'
import { FakeClock } from '../../../support/fake-clock.js'

test('ConnectionLog warns of one kind of trouble once in ten seconds, and counts the others', async () => {
  const clock = new FakeClock()
  const told: unknown[] = []
  const log = new ConnectionLog({ info: (event, fields) => told.push([event, fields]), warn: (event, fields) => told.push([event, fields]) }, 'redis://h', clock)
  for (const reason of ['1', '2', '3']) log.warn('lost', { reason })
  log.warn('other')
  await clock.advance(10_000)
  log.warn('lost', { reason: '4' })
  log.info('found')
  assert.deepEqual(told, [
    ['lost', { url: 'redis://h', reason: '1' }], ['other', { url: 'redis://h' }],
    ['lost', { url: 'redis://h', reason: '4', suppressed: 2 }], ['found', { url: 'redis://h' }],
  ])
})

test('reconnectDelayMs() doubles up to two seconds, half of it by chance', () => {
  assert.deepEqual([1, 2, 3, 7, 10_000].map((attempt) => reconnectDelayMs(attempt, () => 1)), [50, 100, 200, 2_000, 2_000])
  assert.equal(reconnectDelayMs(7, () => 0), 1_000)
})

test('connectionNameOf() keeps to what CLIENT SETNAME takes', () => {
  assert.equal(connectionNameOf('h1/volume 0 é\n'), 'reeve:h1/volume_0___')
})

test('ScriptTexts puts the flags in front where the server reads them', () => {
  const texts = new ScriptTexts()
  const [plain, flagged] = [{ name: 'a', lua: 'return 1', flags: [] }, { name: 'b', lua: 'return 1', flags: ['allow-oom', 'no-writes'] }]
  assert.deepEqual(texts.of(plain), { text: 'return 1', sha: 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db' })
  texts.withFlags = true
  assert.equal(texts.of(plain).text, '#!lua\nreturn 1')
  assert.equal(texts.of(flagged).text, '#!lua flags=allow-oom,no-writes\nreturn 1')
  assert.equal(texts.of(flagged), texts.of(flagged))
})
