import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArguments } from '#src/cli/arguments.js'
import { flagOf, optionFlags, SOURCE_FLAGS, sourcesOf, type Sources } from '#src/cli/flags.js'
import { optionGroups } from '#src/launcher/options.js'

function sources(...argv: readonly string[]): Sources {
  return sourcesOf(parseArguments(argv, [...optionFlags(), ...SOURCE_FLAGS]))
}

test('optionFlags() has one flag for each option of the launcher, and no two alike', () => {
  const flags = optionFlags()
  const keys = Object.entries(optionGroups()).flatMap(([group, options]) => Object.keys(options).map((key) => `${group} ${key}`))
  assert.deepEqual(flags.map(({ group, key }) => `${group} ${key}`), keys)
  const names = [...flags, ...SOURCE_FLAGS].flatMap((spec) => [spec.flag, ...(spec.short === undefined ? [] : [spec.short])])
  assert.deepEqual(names, [...new Set(names)])
  for (const name of names) assert.match(name, /^--?[a-z][a-z-]*$/)
})

test('optionFlags() gives every option a value and its help, and --workers a short form', () => {
  assert.deepEqual(optionFlags().find(({ flag }) => flag === '--workers')?.short, '-w')
  for (const { flag, value, help } of optionFlags()) assert.ok(value && help, flag)
})

test('flagOf() is the key in kebab-case, with its group, and --control for control_path', () => {
  assert.equal(flagOf('DEFAULT', 'graceful_shutdown_timeout'), '--graceful-shutdown-timeout')
  assert.equal(flagOf('log', 'level'), '--log-level')
  assert.equal(flagOf('DEFAULT', 'control_path'), '--control')
})

test('sourcesOf() gives files, folders and options in the order in which they came', () => {
  assert.deepEqual(sources('--config-file', 'a.conf', '-w', '4', '--config-dir', 'd', '--config-file=b.yaml', '--log-level', 'debug', '--control', '/c'), {
    files: ['a.conf', 'b.yaml'],
    directories: ['d'],
    flags: [
      { group: 'DEFAULT', key: 'workers', value: '4', flag: '--workers' },
      { group: 'log', key: 'level', value: 'debug', flag: '--log-level' },
      { group: 'DEFAULT', key: 'control_path', value: '/c', flag: '--control' },
    ],
  })
})

test('sourcesOf() makes --no-control the control path "none"', () => {
  assert.deepEqual(sources('--no-control').flags, [{ group: 'DEFAULT', key: 'control_path', value: 'none', flag: '--no-control' }])
})

const sets: readonly (readonly [string, string, string, string])[] = [
  ['web.port=80', 'web', 'port', '80'],
  ['port=80', 'DEFAULT', 'port', '80'],
  ['web.motto=a=b.c', 'web', 'motto', 'a=b.c'],
  ['web.motto=', 'web', 'motto', ''],
  ['web.motto=two\nlines', 'web', 'motto', 'two\nlines'],
  ['service:a.b.workers=2', 'service:a.b', 'workers', '2'],
]

for (const [text, group, key, value] of sets) {
  test(`sourcesOf() takes --set ${JSON.stringify(text)}`, () => {
    assert.deepEqual(sources('--set', text).flags, [{ group, key, value, flag: '--set' }])
  })
}

for (const text of ['web.port', '=80', '.port=80', 'web.=80', '']) {
  test(`sourcesOf() refuses --set ${JSON.stringify(text)}`, () => {
    assert.throws(() => sources(`--set=${text}`), { code: 'USAGE', message: `Cannot use "--set" as it takes GROUP.KEY=VALUE: ${text}` })
  })
}
