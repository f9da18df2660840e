import assert from 'node:assert/strict'
import { test } from 'node:test'
import { execute } from '#src/exec/execute.js'
import { testCommands } from './command-suite.js'

const skip = process.platform !== 'linux'

if (!skip) testCommands()

test('execute() gives the command real pipes', { skip }, async () => {
  const { stdout, stderr } = await execute('echo out > /dev/stdout; cat /dev/stdin > /dev/stderr', [], { shell: true, processInput: 'in' })
  assert.deepEqual([stdout, stderr], ['out\n', 'in'])
})

test('execute() reads no more than readBytes at a time', { skip }, async () => {
  for (const readBytes of [1_024, 4_096, 65_536]) {
    let longest = 0
    const { reads } = await execute('head', ['-c', '1048576', '/dev/zero'], { readBytes, stdout: (chunk) => { longest = Math.max(longest, chunk.length) } })
    assert.ok(longest <= readBytes && reads >= 2 ** 20 / readBytes)
    assert.ok((await execute('head', ['-c', '1048576', '/dev/zero'], { readBytes })).reads >= 2 ** 20 / readBytes)
  }
})
