import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly error: string
}

const PROGRAM = `import { main } from '${import.meta.resolve('#src/cli/main.js')}'; process.exitCode = await main(process.argv.slice(1))`

/** In a process of its own, for its output is what is looked at. */
function run(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM, '--', ...argv], { encoding: 'utf8', env: { PATH: process.env['PATH'], ...env } })
  return { code: status, out: stdout, error: stderr }
}

for (const argv of [[], ['--help'], ['-h'], ['help'], ['help', 'run'], ['run', '--help']]) {
  test(`main(${JSON.stringify(argv)}) prints the help`, () => {
    const { code, out, error } = run(argv)
    assert.deepEqual([code, out.startsWith('usage:\n'), error], [0, true, ''])
  })
}

test('main() prints the help of a command', () => {
  for (const argv of [['help', 'scale'], ['scale', '--help'], ['scale', '3', '--help']]) {
    const { code, out } = run(argv)
    assert.deepEqual([code, out.startsWith('usage: launcher scale ')], [0, true])
  }
})

test('main() prints the version', () => {
  for (const flag of ['--version', '-V']) {
    const { code, out } = run([flag])
    assert.equal(code, 0)
    assert.match(out, /^\d+\.\d+\.\d+\n$/)
  }
})

const usage: readonly (readonly [readonly string[], string])[] = [
  [['help', 'scal'], 'launcher: Cannot help with "scal" as there is no such command; did you mean scale?\n'],
  [['help', 'constructor'], 'launcher: Cannot help with "constructor" as there is no such command: run, check, config, status, workers, stop, reload, scale, signal, locks, lock, leaders, groups, members, services, service\n'],
  [['status', '--jsn'], 'launcher: Cannot use "--jsn" as there is no such option; did you mean --json?\n'],
  [['scale', '0'], 'launcher: Cannot scale as the number of workers is at least 1: 0\n'],
  [['scale'], 'launcher: Cannot scale as the number of workers is at least 1: none given\n'],
  [['signal'], 'launcher: Cannot signal as no signal was given: launcher signal HUP\n'],
  [['config', 'shwo'], 'launcher: Cannot do "config shwo" as there is only: sample, show, validate\n'],
]

for (const [argv, error] of usage) {
  test(`main(${JSON.stringify(argv)}) ends with 2 and one line`, () => {
    assert.deepEqual(run(argv), { code: 2, out: '', error })
  })
}

test('main() takes what is no command for a service, whatever its name', () => {
  for (const name of ['constructor', '__proto__', './missing.js']) {
    const { code, error } = run(['check', name])
    assert.deepEqual([code, error.startsWith(`launcher: Cannot run "${name}" as there is no such module: `)], [2, true], error)
  }
  const { code, error } = run(['constructor'])
  assert.deepEqual([code, error.startsWith('launcher: Cannot run "constructor" as there is no such module: ')], [2, true], error)
})

test('main() asks whether a command was meant where there is no module of that name', () => {
  const { code, error } = run(['statsu'])
  assert.deepEqual([code, error.endsWith('; did you mean the command status?\n')], [2, true], error)
})

test('main() prints the help for --help in front of the service, and leaves one behind it to the service', () => {
  const { code, out } = run(['--workers', '2', '--help'])
  assert.deepEqual([code, out.startsWith('usage:')], [0, true], out)
  assert.equal(run(['./missing.js', '--help']).code, 2)
})

test('main() ends with 2 for a bad value that was typed, and with 3 for one from elsewhere', () => {
  assert.equal(run(['config', 'validate', '--workers', '0']).code, 2)
  const { code, error } = run(['config', 'validate'], { REEVE_WORKERS: '0' })
  assert.equal(code, 3)
  assert.match(error, /\$REEVE_WORKERS/)
})

test('main() ends with 1 where no launcher answers', () => {
  const { code, error } = run(['status', '--control', '/nowhere/control.sock'])
  assert.deepEqual([code, error], [1, 'launcher: Cannot reach a launcher at "/nowhere/control.sock" as there is no such socket\n'])
})
