import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadNative } from '#src/base/native.js'
import { testCommands } from './command-suite.js'

// It is read when a pipe is first made.
process.env['REEVE_NO_NATIVE'] = '1'

test('loadNative() gives nothing here', () => {
  assert.equal(loadNative(), undefined)
})

testCommands()
