import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commandLine } from '#src/exec/command-line.js'
import { joinShellWords, splitShellWords } from '#src/exec/shell-words.js'

test('commandLine() puts prlimit before the root helper before the command', () => {
  const line = commandLine('lvs', ['-a'], { prlimit: { openFiles: 10, cpuSeconds: 2 }, runAsRoot: true, rootHelper: "sudo -n 'x y'" }, false)
  assert.deepEqual([line.file, ...line.args], ['prlimit', '--nofile=10', '--cpu=2', '--', 'sudo', '-n', 'x y', 'lvs', '-a'])
  assert.deepEqual(line.rootHelper, ['sudo', '-n', 'x y'])
  assert.equal(line.shown, 'lvs -a')
})

test('commandLine() needs no root helper for root', () => {
  assert.deepEqual(commandLine('id', [], { runAsRoot: true, rootHelper: 'sudo' }, true).file, 'id')
  assert.throws(() => commandLine('id', [], { runAsRoot: true }, false), { code: 'EXEC_ROOT_HELPER_MISSING' })
})

test('commandLine() makes the arguments of a script its parameters', () => {
  const line = commandLine('echo "$1"', ['a b'], { shell: true }, false)
  assert.deepEqual([line.file, ...line.args], ['/bin/sh', '-c', 'echo "$1"', 'sh', 'a b'])
})

test('commandLine() refuses what is no text, a NUL, nothing, and a limit that is none', () => {
  assert.throws(() => commandLine('ls', [1] as unknown as string[], {}, false), TypeError)
  assert.throws(() => commandLine('ls', 'x' as unknown as string[], {}, false), TypeError)
  assert.throws(() => commandLine(undefined as unknown as string, [], {}, false), TypeError)
  assert.throws(() => commandLine('ls', ['a\0b'], {}, false), /NUL: argument 1/)
  assert.throws(() => commandLine('', [], {}, false), RangeError)
  assert.throws(() => commandLine('ls', [], { prlimit: { openFiles: -1 } }, false), RangeError)
  assert.throws(() => commandLine('ls', [], { prlimit: { files: 1 } as object }, false), /"files"/)
})

test('commandLine() shows no secrets', () => {
  const shown = (args: readonly string[], secrets: readonly string[] = []): string => commandLine('x', args, { secrets }, false).shown
  assert.equal(shown(['--db-password', 'a b', '--token=abc', 'AUTH_TOKEN=abc']), 'x --db-password *** --token=*** AUTH_TOKEN=***')
  assert.equal(shown(['https://me:p@ss@host/path', 'plain']), 'x https://me:***@host/path plain')
  assert.equal(shown(['-H', 'Authorization: Bearer abc']), "x -H 'Authorization: Bearer ***'")
  assert.equal(shown(['key-abcdef', 'abc'], ['abc', 'abcdef']), 'x key-*** ***')
  assert.equal(commandLine('x --password abc', [], { shell: true }, false).shown, 'x --password ***')
})

test('splitShellWords() splits as a shell does', () => {
  assert.deepEqual(splitShellWords(`sudo  -n 'a "b' "c \\"d\\$" e\\ f "" g'h'"i"`), ['sudo', '-n', 'a "b', 'c "d$', 'e f', '', 'ghi'])
  assert.deepEqual(splitShellWords('  '), [])
  assert.throws(() => splitShellWords('sudo "x'), RangeError)
})

test('splitShellWords() undoes joinShellWords()', () => {
  const words = ['a', '', "it's", 'a b', '$x', '\n', '"']
  assert.deepEqual(splitShellWords(joinShellWords(words)), words)
})

test('commandLine() masks long words in a time that does not grow with their square', () => {
  for (const text of ['x'.repeat(2_000_000), 'password '.repeat(200_000), '://'.repeat(500_000), '--token'.repeat(200_000)]) {
    assert.ok(commandLine('x', [text], {}, false).shown.length < 2_100)
    assert.ok(commandLine(text, [], { shell: true }, false).shown.length < 2_100)
  }
})
