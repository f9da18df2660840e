import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BootRecord } from '#src/launcher/boot-record.js'

test('BootRecord gives up after the third failed boot, when none was ever ready', () => {
  const boots = new BootRecord()
  assert.equal(boots.addFailure(1), undefined)
  assert.equal(boots.addFailure(null), undefined)
  assert.deepEqual(boots.addFailure(4), { exitCode: 4, reason: 'no worker became ready in 3 attempts' })
})

test('BootRecord says what the last worker said of it', () => {
  const boots = new BootRecord()
  boots.addFailure(4)
  boots.lastFailure = 'no database today'
  boots.addFailure(4)
  assert.deepEqual(boots.addFailure(4)?.reason, 'no worker became ready in 3 attempts: no database today')
})

test('BootRecord gives up at the first worker whose configuration is wrong', () => {
  const boots = new BootRecord()
  boots.lastFailure = '[web] port is 70000'
  assert.deepEqual(boots.addFailure(3), { exitCode: 3, reason: 'the configuration is not valid: [web] port is 70000' })
})

test('BootRecord never gives up once one was ready, whatever the code', () => {
  const boots = new BootRecord()
  boots.addFailure(4)
  boots.addFailure(4)
  boots.everReady = true
  for (const code of [4, 3, 1, null]) assert.equal(boots.addFailure(code), undefined)
})
