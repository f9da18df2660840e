import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseArguments, usageError, type FlagSpec } from '#src/cli/arguments.js'

const specs: readonly FlagSpec[] = [
  { flag: '--workers', short: '-w', value: 'N', help: '' },
  { flag: '--name', value: 'NAME', help: '' },
  { flag: '--json', help: '' },
]

const workers = (value: string) => ({ flag: '--workers', value })
const json = { flag: '--json', value: true }

const parsed: readonly (readonly [readonly string[], readonly unknown[], readonly string[]])[] = [
  [[], [], []],
  [['--workers', '4'], [workers('4')], []],
  [['--workers=4'], [workers('4')], []],
  [['-w', '4'], [workers('4')], []],
  [['-w=4'], [workers('4')], []],
  [['--workers='], [workers('')], []],
  [['--name=a=b'], [{ flag: '--name', value: 'a=b' }], []],
  [['--workers', '-1'], [workers('-1')], []],
  [['--workers', '-.5'], [workers('-.5')], []],
  [['--name', '-'], [{ flag: '--name', value: '-' }], []],
  [['--name', ''], [{ flag: '--name', value: '' }], []],
  [['--json', '--json'], [json, json], []],
  [['--workers', '1', '--workers', '2'], [workers('1'), workers('2')], []],
  [['a', '--json', 'b'], [json], ['a', 'b']],
  [['-'], [], ['-']],
  [['--json', '--', '--workers', '-x', '--'], [json], ['--workers', '-x', '--']],
  [[''], [], ['']],
]

for (const [argv, flags, operands] of parsed) {
  test(`parseArguments(${JSON.stringify(argv)})`, () => assert.deepEqual(parseArguments(argv, specs), { flags, operands }))
}

const refused: readonly (readonly [readonly string[], string])[] = [
  [['--workers'], 'Cannot use "--workers" as it needs a value: N'],
  [['--workers', '--json'], 'Cannot use "--workers" as it needs a value: N'],
  [['--name', '--', 'a'], 'Cannot use "--name" as it needs a value: NAME'],
  [['-w', '-w'], 'Cannot use "--workers" as it needs a value: N'],
  [['--json=yes'], 'Cannot use "--json" as it takes no value: yes'],
  [['--worker', '4'], 'Cannot use "--worker" as there is no such option; did you mean --workers?'],
  [['--work', '4'], 'Cannot use "--work" as there is no such option: see launcher --help'],
  [['--frobnicate'], 'Cannot use "--frobnicate" as there is no such option: see launcher --help'],
  [['-jw'], 'Cannot use "-jw" as there is no such option; did you mean -w?'],
]

for (const [argv, message] of refused) {
  test(`parseArguments(${JSON.stringify(argv)}) is a usage error`, () => {
    assert.throws(() => parseArguments(argv, specs), { code: 'USAGE', message })
  })
}

test('parseArguments() with operandEndsFlags leaves the service its own arguments', () => {
  const end = { operandEndsFlags: true }
  assert.deepEqual(parseArguments(['-w', '4', 'svc.js', '--json', '--port', '1', '--'], specs, end), { flags: [workers('4')], operands: ['svc.js', '--json', '--port', '1', '--'] })
  assert.deepEqual(parseArguments(['--json', '--', '-w', '4'], specs, end), { flags: [json], operands: ['-w', '4'] })
})

test('parseArguments() leaves its argument as it was', () => {
  const argv = Object.freeze(['--workers', '4', 'a'])
  parseArguments(argv, specs)
})

test('parseArguments() gives every argument back, or says what is wrong with one', () => {
  fc.assert(fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom('--', '-', '--workers', '-w', '--json', '--name=a'))), (argv) => {
    try {
      const { flags, operands } = parseArguments(argv, specs)
      assert.ok(flags.length + operands.length <= argv.length)
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'USAGE')
    }
  }))
})

test('usageError() has the code that ends with exit 2', () => {
  assert.equal(usageError('no').code, 'USAGE')
})
