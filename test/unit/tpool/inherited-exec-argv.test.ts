import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inheritedExecArgv } from '#src/tpool/inherited-exec-argv.js'

test('inheritedExecArgv() leaves out only what says which program the process runs', () => {
  assert.equal(inheritedExecArgv(['--import', 'tsx', '--enable-source-maps']), undefined)
  assert.deepEqual(inheritedExecArgv(['--input-type=module', '--import', 'tsx', '-e', 'run()']), ['--import', 'tsx'])
  assert.deepEqual(inheritedExecArgv(['--input-type', 'module']), [])
})
