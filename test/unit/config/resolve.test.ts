import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { OptionDefinition, OptionGroups } from '#src/base/option.js'
import { defineOptions } from '#src/config/define-options.js'
import type { RawConfig, RawValue } from '#src/config/raw-config.js'
import { extendConfig, resolveConfig } from '#src/config/resolve.js'
import { rawFrom, thrownBy } from './support.js'

const EMPTY: RawConfig = { files: [], variables: [], flags: [] }

const groups = defineOptions({
  DEFAULT: {
    workers: { type: 'integer', min: 1, max: 64, default: 2, help: '' },
    name: { type: 'string', help: '' },
    listen: { type: 'list', help: '' },
    boot_timeout: { type: 'duration', defaultMs: 60_000, minMs: 1, maxMs: 3_600_000, help: '' },
    max_body: { type: 'size', defaultBytes: 1024, minBytes: 1, help: '' },
    password: { type: 'string', secret: true, pattern: /[a-z]+/, help: '' },
  },
  'log.file': {
    default: { type: 'boolean', default: true, help: '' },
    level: { type: 'string', choices: ['debug', 'info'], default: 'info', help: '' },
    port: { type: 'port', default: 80, help: '' },
    ratio: { type: 'number', default: 0.5, help: '' },
  },
})

/** The value that `raw` gives an option of this definition. */
function valueOf(definition: OptionDefinition, value: RawValue): unknown {
  const { config } = resolveConfig({ g: { k: definition } }, rawFrom([['g', 'k', value]]))
  return Object.values(config.group('g'))[0]
}

function isRefused(definition: OptionDefinition, value: RawValue): boolean {
  const { code, details } = thrownBy(() => valueOf(definition, value))
  return code === 'CONFIG_INVALID' && Array.isArray(details?.['problems']) && details['problems'].length === 1
}

test('resolveConfig() gives defaults, typed and in code units, where no source speaks', () => {
  const { config, unclaimed } = resolveConfig(groups, EMPTY)
  assert.deepEqual(config.group('DEFAULT'), { workers: 2, name: undefined, listen: undefined, bootTimeoutMs: 60_000, maxBodyBytes: 1024, password: undefined })
  assert.deepEqual(config.group('log.file'), { default: true, level: 'info', port: 80, ratio: 0.5 })
  assert.deepEqual(unclaimed, [])
})

test('resolveConfig() lets later sources win: files in order, environment, command line', () => {
  const files = rawFrom([['DEFAULT', 'workers', '3'], ['DEFAULT', 'workers', '4'], ['log.file', 'level', 'debug']]).files
  const variables = [{ value: '5', source: { kind: 'environment', name: 'REEVE_WORKERS' } as const }, { value: '81', source: { kind: 'environment', name: 'REEVE_LOG_FILE__PORT' } as const }]
  const flags = [{ group: 'DEFAULT', key: 'workers', value: '6', source: { kind: 'command line', flag: '--workers' } as const }]
  const workers = (raw: Partial<RawConfig>): unknown => resolveConfig(groups, { ...EMPTY, ...raw }).config.group('DEFAULT')['workers']
  assert.equal(workers({ files }), 4)
  assert.equal(workers({ files, variables }), 5)
  assert.equal(workers({ files, variables, flags }), 6)
  const { config } = resolveConfig(groups, { files, variables, flags })
  assert.equal(config.group('log.file')['port'], 81)
  assert.deepEqual(config.entries().filter(({ source }) => source !== 'default').map(({ key, source }) => [key, source]), [
    ['workers', '--workers'], ['level', 'reeve.conf:3'], ['port', '$REEVE_LOG_FILE__PORT'],
  ])
})

test('resolveConfig() judges only the value in force', () => {
  assert.equal(valueOf({ type: 'integer', help: '' }, '1'), 1)
  const raw = rawFrom([['g', 'k', 'junk'], ['g', 'k', '2']])
  assert.equal(resolveConfig({ g: { k: { type: 'integer', help: '' } } }, raw).config.group('g')['k'], 2)
})

test('resolveConfig() reports every problem in one error, a line each, and masks secrets', () => {
  const raw: RawConfig = {
    ...rawFrom([['DEFAULT', 'workers', '0'], ['log.file', 'level', 'loud'], ['DEFAULT', 'boot_timeout', '2h']]),
    variables: [{ value: 'Hunter2', source: { kind: 'environment', name: 'REEVE_PASSWORD' } }],
    flags: [{ group: 'DEFAULT', key: 'max_body', value: '0', source: { kind: 'command line', flag: '--max-body' } }],
  }
  const { code, message, details } = thrownBy(() => resolveConfig(groups, raw))
  assert.equal(code, 'CONFIG_INVALID')
  assert.equal(message, [
    'Cannot use the configuration as each value must obey its rule:',
    'reeve.conf:1: [DEFAULT] workers must be an integer from 1 to 64: "0"',
    'reeve.conf:3: [DEFAULT] boot_timeout must be a duration (500ms, 5s, 2m; a bare number is seconds) from 1ms to 1h: "2h"',
    '--max-body: [DEFAULT] max_body must be a size (64MiB, 1GB; a bare number is bytes) of at least 1B: "0"',
    '$REEVE_PASSWORD: [DEFAULT] password must be text that matches /[a-z]+/: ***',
    'reeve.conf:2: [log.file] level must be one of debug, info: "loud"',
  ].join('\n  '))
  assert.deepEqual((details?.['problems'] as unknown[])[0], { where: 'reeve.conf:1', group: 'DEFAULT', key: 'workers', rule: 'must be an integer from 1 to 64', value: '"0"' })
})

test('resolveConfig() shows a bad value on one line, cut', () => {
  const { message } = thrownBy(() => valueOf({ type: 'integer', help: '' }, `1\n${'9'.repeat(200)}`))
  assert.equal(message.split('\n').length, 2)
  assert.ok(message.length < 250)
})

test('resolveConfig() lets none of convict\'s coercions through', () => {
  const integer = { type: 'integer', help: '' } as const
  for (const value of ['12abc', '0x10', '1e3', '4.7', '', 'NaN', 4.5, true, null, [1], { a: 1 }, 2 ** 53]) assert.ok(isRefused(integer, value), JSON.stringify(value))
  for (const value of ['1s', '', 'NaN', 'Infinity', true, null, [], {}]) assert.ok(isRefused({ type: 'number', help: '' }, value), JSON.stringify(value))
  for (const value of ['', 'y', 'nope', 2, null, [true], {}]) assert.ok(isRefused({ type: 'boolean', help: '' }, value), JSON.stringify(value))
  for (const value of [1.1, true, null, ['a'], { a: 'b' }]) assert.ok(isRefused({ type: 'string', help: '' }, value), JSON.stringify(value))
  for (const value of ['a,,b', 1, true, null, [1], ['a', null], [['a']], { a: 1 }]) assert.ok(isRefused({ type: 'list', help: '' }, value), JSON.stringify(value))
  for (const value of ['65536', '-1', 1.5, '80 ']) assert.equal(isRefusedOr(80, { type: 'port', help: '' }, value), true, JSON.stringify(value))
  for (const value of ['5 weeks', -1, '-1', 1e21, true, null, {}]) assert.ok(isRefused({ type: 'duration', help: '' }, value), JSON.stringify(value))
  for (const value of ['1.0001kB', 0.5, -1, 1e21, null]) assert.ok(isRefused({ type: 'size', help: '' }, value), JSON.stringify(value))
})

function isRefusedOr(allowed: unknown, definition: OptionDefinition, value: RawValue): boolean {
  try {
    return valueOf(definition, value) === allowed
  } catch {
    return true
  }
}

test('resolveConfig() takes what YAML, TOML and JSON have typed, numbers of durations as seconds', () => {
  assert.equal(valueOf({ type: 'boolean', help: '' }, false), false)
  assert.equal(valueOf({ type: 'boolean', default: true, help: '' }, 'no'), false)
  assert.equal(valueOf({ type: 'boolean', help: '' }, 0), false)
  assert.equal(valueOf({ type: 'integer', help: '' }, 7), 7)
  assert.equal(valueOf({ type: 'duration', help: '' }, 1.5), 1500)
  assert.equal(valueOf({ type: 'duration', defaultMs: 60_000, help: '' }, 5), 5000)
  assert.equal(valueOf({ type: 'size', help: '' }, 4096), 4096)
  assert.deepEqual(valueOf({ type: 'list', default: ['a', 'b'], help: '' }, ['c, d']), ['c, d'])
  assert.equal(valueOf({ type: 'string', default: 'x', help: '' }, '1.10'), '1.10')
})

test('resolveConfig() gives text back as it was given, and numbers as they were meant', () => {
  fc.assert(fc.property(fc.string(), (value) => { assert.equal(valueOf({ type: 'string', help: '' }, value), value) }))
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const definition: OptionDefinition = { type: 'integer', help: '' }
    const meant = Number.isSafeInteger(value) || (typeof value === 'string' && /^(?:0|-?[1-9]\d*)$/.test(value.trim()))
    if (meant) assert.equal(valueOf(definition, value as RawValue), Number(value))
    else assert.ok(isRefused(definition, value as RawValue))
  }))
})

test('resolveConfig() matches patterns against the whole value, each time anew', () => {
  const definition: OptionDefinition = { type: 'string', pattern: /a|b/gi, help: '' }
  for (let round = 0; round < 3; round++) assert.equal(valueOf(definition, 'B'), 'B')
  assert.ok(isRefused(definition, 'ab'))
  assert.ok(isRefused(definition, 'a\nc'))
})

test('resolveConfig() joins a list\'s flag when it is repeated, and only flags', () => {
  const flag = (value: RawValue): RawConfig['flags'][number] => ({ group: 'DEFAULT', key: 'listen', value, source: { kind: 'command line', flag: '--listen' } })
  const raw = { ...rawFrom([['DEFAULT', 'listen', 'x']]), flags: [flag('a'), flag(['b,c', 'd'])] }
  assert.deepEqual(resolveConfig(groups, raw).config.group('DEFAULT')['listen'], ['a', 'b', 'c', 'd'])
})

test('resolveConfig() refuses a default that breaks its own rule', () => {
  assert.match(thrownBy(() => resolveConfig({ g: { k: { type: 'integer', min: 1, default: 0, help: '' } } }, EMPTY)).message, /default: \[g\] k must be an integer of at least 1: 0/)
})

test('resolveConfig() refuses a variable that could mean two options', () => {
  const two: OptionGroups = { 'service:a': { k: { type: 'string', help: '' } }, service_a: { k: { type: 'string', help: '' } } }
  const raw: RawConfig = { ...EMPTY, variables: [{ value: 'x', source: { kind: 'environment', name: 'REEVE_SERVICE_A__K' } }] }
  assert.match(thrownBy(() => resolveConfig(two, raw)).message, /\$REEVE_SERVICE_A__K: must name one option, and names \[service:a\] k and \[service_a\] k/)
})

test('resolveConfig() returns what no option claims, and ignores an empty group of YAML', () => {
  const raw = { ...rawFrom([['DEFAULT', 'log.file', null], ['DEFAULT', 'nope', '1'], ['volume', 'path', '/x']]), variables: [{ value: '1', source: { kind: 'environment', name: 'REEVE_X__Y' } as const }] }
  const { unclaimed } = resolveConfig(groups, raw)
  assert.deepEqual(unclaimed, [raw.files[1], raw.files[2], raw.variables[0]])
})

test('resolveConfig() takes hostile keys for unknown ones and pollutes nothing', () => {
  const names = ['__proto__', 'constructor', 'toString', 'prototype', 'hasOwnProperty', 'constructor.prototype', 'a.b', 'option0', '_cvtProperties']
  const raw = rawFrom(names.flatMap((name): [string, string, RawValue][] => [['DEFAULT', name, 'x'], [name, name, { polluted: 1 }]]))
  const { config, unclaimed } = resolveConfig(groups, raw)
  assert.equal(unclaimed.length, names.length * 2)
  assert.deepEqual(config.group('DEFAULT'), resolveConfig(groups, EMPTY).config.group('DEFAULT'))
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  assert.equal((Object as unknown as Record<string, unknown>)['polluted'], undefined)
})

test('resolveConfig() lets an option be called constructor or default', () => {
  const text: OptionDefinition = { type: 'string', help: '' }
  const odd: OptionGroups = Object.fromEntries([['constructor', Object.fromEntries([['constructor', text], ['default', text]])]])
  assert.deepEqual(resolveConfig(odd, rawFrom([['constructor', 'constructor', 'b']])).config.group('constructor'), Object.fromEntries([['constructor', 'b'], ['default', undefined]]))
})

test('resolveConfig() ignores the arguments and the environment of the process', () => {
  process.env['REEVE_WORKERS'] = '9'
  process.argv.push('--option0', '9')
  try {
    assert.equal(resolveConfig(groups, EMPTY).config.group('DEFAULT')['workers'], 2)
  } finally {
    delete process.env['REEVE_WORKERS']
    process.argv.splice(-2)
  }
})

test('extendConfig() takes more options out of what was left over', () => {
  const raw: RawConfig = {
    ...rawFrom([['DEFAULT', 'workers', '3'], ['volume', 'path', '/x'], ['DEFAULT', 'colour', 'red'], ['other', 'k', '1']]),
    variables: [{ value: '5', source: { kind: 'environment', name: 'REEVE_VOLUME__WAIT' } }],
  }
  const first = resolveConfig(groups, raw)
  const own: OptionGroups = { volume: { path: { type: 'string', help: '' }, wait: { type: 'duration', help: '' } }, DEFAULT: { colour: { type: 'string', help: '' } } }
  const { config, unclaimed } = extendConfig(first.config, own, first.unclaimed)
  assert.deepEqual(config.group('volume'), { path: '/x', waitMs: 5000 })
  assert.equal(config.group('DEFAULT')['workers'], 3)
  assert.equal(config.group('DEFAULT')['colour'], 'red')
  assert.deepEqual(unclaimed, [raw.files[3]])
})

test('extendConfig() refuses an option that is there already', () => {
  const { config, unclaimed } = resolveConfig(groups, EMPTY)
  assert.throws(() => extendConfig(config, { DEFAULT: { workers: { type: 'string', help: '' } } }, unclaimed), { code: 'CONFIG_DUPLICATE_OPTION' })
})
