import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { defineOptions } from '#src/config/define-options.js'
import { readIni } from '#src/config/read-ini.js'
import { resolveConfig } from '#src/config/resolve.js'
import { configToJson, renderConfig } from '#src/config/show.js'
import { rawFrom } from './support.js'

const groups = defineOptions({
  DEFAULT: {
    workers: { type: 'integer', default: 2, help: '' },
    boot_timeout: { type: 'duration', defaultMs: 60_000, help: '' },
    password: { type: 'string', secret: true, help: '' },
    name: { type: 'string', help: '' },
  },
  log: { targets: { type: 'list', default: ['a'], help: '' }, ratio: { type: 'number', default: 0, help: '' }, max: { type: 'size', default: undefined, help: '' } as const },
})

test('renderConfig() is INI with what is set, and where from', () => {
  const raw = rawFrom([['DEFAULT', 'workers', '4'], ['DEFAULT', 'password', 'hunter2'], ['log', 'targets', 'x,y']])
  assert.equal(renderConfig(resolveConfig(groups, raw).config), [
    '[DEFAULT]',
    '# reeve.conf:1',
    'workers      = 4',
    'boot_timeout = 1m',
    '# reeve.conf:2',
    '# password     = ***',
    '# name         =',
    '',
    '[log]',
    '# reeve.conf:3',
    'targets = x, y',
    'ratio   = 0',
    '# max     =',
    '',
  ].join('\n'))
})

test('renderConfig() can be read again to the same values', () => {
  const value = fc.record({
    name: fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n', '"', '#', ',', '\r') }),
    targets: fc.array(fc.string({ unit: fc.constantFrom('a', '"', '#', ' ', ',') })),
    workers: fc.integer(),
    ratio: fc.double({ noNaN: true, noDefaultInfinity: true }),
  })
  fc.assert(fc.property(value, ({ name, targets, workers, ratio }) => {
    const { config } = resolveConfig(groups, rawFrom([['DEFAULT', 'name', name], ['DEFAULT', 'workers', workers], ['log', 'targets', targets], ['log', 'ratio', ratio]]))
    const { entries, problems } = readIni(renderConfig(config))
    assert.deepEqual(problems, [])
    const again = resolveConfig(groups, rawFrom(entries.map((entry) => [entry.group, entry.key, entry.value] as const))).config
    for (const { group, key } of entries) {
      const before = config.entries().find((entry) => entry.group === group && entry.key === key)
      assert.equal(again.entries().find((entry) => entry.group === group && entry.key === key)?.value, before?.value)
    }
    assert.equal(again.group('DEFAULT')['workers'], workers)
  }))
})

test('configToJson() keeps types, shows units as text and masks secrets', () => {
  const raw = rawFrom([['DEFAULT', 'password', 'hunter2']])
  assert.deepEqual(configToJson(resolveConfig(groups, raw).config), {
    DEFAULT: {
      workers: { value: 2, source: 'default' },
      boot_timeout: { value: '1m', source: 'default' },
      password: { value: '***', source: 'reeve.conf:1' },
      name: { value: null, source: 'default' },
    },
    log: { targets: { value: ['a'], source: 'default' }, ratio: { value: 0, source: 'default' }, max: { value: null, source: 'default' } },
  })
})
