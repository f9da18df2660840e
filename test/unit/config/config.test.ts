import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { configFromSnapshot, describeChange, diffConfigs, snapshotOf, type Config } from '#src/config/config.js'
import { defineOptions } from '#src/config/define-options.js'
import type { RawValue } from '#src/config/raw-config.js'
import { resolveConfig } from '#src/config/resolve.js'
import { rawFrom, thrownBy } from './support.js'

const options = defineOptions({
  DEFAULT: {
    workers: { type: 'integer', default: 2, help: '' },
    hosts: { type: 'list', default: ['a'], mutable: true, help: '' },
    password: { type: 'string', secret: true, mutable: true, help: '' },
  },
  volume: { upload_timeout: { type: 'duration', defaultMs: 60_000, help: '' }, max_body: { type: 'size', help: '' } },
})

function configWith(...entries: [string, string, RawValue][]): Config {
  return resolveConfig(options, rawFrom(entries)).config
}

test('Config.group() gives frozen values by their names in code', () => {
  const config = configWith(['volume', 'max_body', '1KiB'])
  const volume = config.group('volume')
  assert.deepEqual(volume, { uploadTimeoutMs: 60_000, maxBodyBytes: 1024 })
  assert.throws(() => { (volume as Record<string, unknown>)['uploadTimeoutMs'] = 1 }, TypeError)
  assert.throws(() => { (config.group('DEFAULT')['hosts'] as string[]).push('b') }, TypeError)
  assert.deepEqual(options.DEFAULT.hosts.default, ['a'])
})

test('Config.group() suggests the nearest group', () => {
  const { code, message } = thrownBy(() => configWith().group('vollume'))
  assert.equal(code, 'CONFIG_UNKNOWN_GROUP')
  assert.equal(message, 'Cannot give the group "vollume" as a group must be declared (did you mean volume?): DEFAULT, volume')
  for (const name of ['__proto__', 'constructor', 'toString']) assert.equal(thrownBy(() => configWith().group(name)).code, 'CONFIG_UNKNOWN_GROUP')
})

test('Config.of() gives declared options, and refuses those that are not part of the configuration', () => {
  const { volume, DEFAULT } = configWith(['volume', 'upload_timeout', '2']).of(options)
  const uploadTimeoutMs: number = volume.uploadTimeoutMs
  assert.equal(uploadTimeoutMs, 2000)
  assert.deepEqual(DEFAULT.hosts, ['a'])
  assert.equal(thrownBy(() => configWith().of({ volum: {} })).code, 'CONFIG_UNKNOWN_GROUP')
  const { code, message } = thrownBy(() => configWith().of({ volume: { max_bdy: { type: 'size', help: '' } } }))
  assert.equal(code, 'CONFIG_UNKNOWN_OPTION')
  assert.match(message, /"\[volume\] max_bdy".*\(did you mean max_body\?\)/)
})

test('Config.entries() gives text and sources, with secrets masked', () => {
  assert.deepEqual(configWith(['DEFAULT', 'password', 'hunter2'], ['DEFAULT', 'hosts', ['a', 'b']]).entries(), [
    { group: 'DEFAULT', key: 'workers', value: '2', source: 'default', secret: false },
    { group: 'DEFAULT', key: 'hosts', value: 'a, b', source: 'reeve.conf:2', secret: false },
    { group: 'DEFAULT', key: 'password', value: '***', source: 'reeve.conf:1', secret: true },
    { group: 'volume', key: 'upload_timeout', value: '1m', source: 'default', secret: false },
    { group: 'volume', key: 'max_body', value: undefined, source: 'default', secret: false },
  ])
})

test('configFromSnapshot() makes the same configuration on the other side of JSON', () => {
  const config = configWith(['DEFAULT', 'password', 'hunter2'], ['volume', 'max_body', '1kB'])
  const copy = configFromSnapshot(JSON.parse(JSON.stringify(snapshotOf(config))) as ReturnType<typeof snapshotOf>)
  assert.deepEqual(copy.entries(), config.entries())
  assert.deepEqual(copy.of(options), config.of(options))
  assert.deepEqual(diffConfigs(config, copy), [])
})

test('snapshotOf() refuses a foreign object', () => {
  assert.throws(() => snapshotOf({} as Config), TypeError)
})

test('diffConfigs() gives what changed, typed, and not a change of source alone', () => {
  const before = configWith(['DEFAULT', 'password', 'old'], ['DEFAULT', 'workers', '2'])
  const after = configWith(['DEFAULT', 'password', 'new'], ['DEFAULT', 'hosts', 'a,b'], ['volume', 'max_body', '1'])
  assert.deepEqual(diffConfigs(before, after), [
    { group: 'DEFAULT', key: 'hosts', name: 'hosts', oldValue: ['a'], newValue: ['a', 'b'], mutable: true, secret: false },
    { group: 'DEFAULT', key: 'password', name: 'password', oldValue: 'old', newValue: 'new', mutable: true, secret: true },
    { group: 'volume', key: 'max_body', name: 'maxBodyBytes', oldValue: undefined, newValue: 1, mutable: false, secret: false },
  ])
})

test('diffConfigs() tells options that came and went', () => {
  const one = resolveConfig({ g: { a: { type: 'string', default: 'x', help: '' } } }, rawFrom([])).config
  const two = resolveConfig({ g: { b: { type: 'string', default: 'y', help: '' } } }, rawFrom([])).config
  assert.deepEqual(diffConfigs(one, two).map(({ key, oldValue, newValue }) => [key, oldValue, newValue]), [['b', undefined, 'y'], ['a', 'x', undefined]])
})

test('describeChange() masks secrets', () => {
  const changes = diffConfigs(configWith(), configWith(['DEFAULT', 'password', 'hunter2'], ['volume', 'upload_timeout', '30s']))
  assert.deepEqual(changes.map(describeChange), ['[DEFAULT] password: not set → ***', '[volume] uploadTimeoutMs: 60000 → 30000'])
})

test('reeve/config loads neither convict nor a parser before one is needed', () => {
  const program = `
    import { createRequire } from 'node:module'
    const { configFromSnapshot, defineOptions } = await import('#src/config/index.js')
    configFromSnapshot({ groups: [] }).of(defineOptions({}))
    console.log(Object.keys(createRequire(import.meta.url).cache).length)`
  assert.equal(execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' }).trim(), '0')
})
