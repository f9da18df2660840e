import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { readJson } from '#src/config/read-document.js'
import { readConfigFile } from '#src/config/read-file.js'
import { thrownBy, writeFiles } from './support.js'

function read(context: TestContext, name: string, text: string): unknown[] {
  return readConfigFile(join(writeFiles(context, { [name]: text }), name)).map(({ group, key, value, source }) => {
    return [group, key, value, source.kind === 'file' ? source.line : undefined]
  })
}

function fault(context: TestContext, name: string, text: string): ReturnType<typeof thrownBy> {
  return thrownBy(() => read(context, name, text))
}

test('readConfigFile() reads INI, whatever the extension, and a byte order mark', (context) => {
  assert.deepEqual(read(context, 'a.what', '\uFEFFworkers = 4\r\n[log]\r\nlevel = info\r\n'), [['DEFAULT', 'workers', '4', 1], ['log', 'level', 'info', 3]])
})

test('readConfigFile() reads YAML: maps are groups, all else is of DEFAULT', (context) => {
  const text = 'workers: 4\nhosts: [a, b]\nlog: &log\n  level: info\n  json: yes\nDEFAULT:\n  name: 1.10\ncopy: *log\nempty:\n'
  assert.deepEqual(read(context, 'a.yaml', text), [
    ['DEFAULT', 'workers', 4, 1], ['DEFAULT', 'hosts', ['a', 'b'], 2], ['log', 'level', 'info', 4], ['log', 'json', 'yes', 5],
    ['DEFAULT', 'name', 1.1, 7], ['copy', 'level', 'info', 4], ['copy', 'json', 'yes', 5], ['DEFAULT', 'empty', null, 9],
  ])
  assert.deepEqual(read(context, 'b.yml', '# nothing\n'), [])
})

test('readConfigFile() reads TOML', (context) => {
  assert.deepEqual(read(context, 'a.toml', 'workers = 4\nsince = 2026-01-02\nbad = nan\n[log]\nlevel = "info"\n["service:api"]\nlisten = ["a"]\n'), [
    ['DEFAULT', 'workers', 4, undefined], ['DEFAULT', 'since', '2026-01-02', undefined], ['DEFAULT', 'bad', 'NaN', undefined],
    ['log', 'level', 'info', undefined], ['service:api', 'listen', ['a'], undefined],
  ])
})

test('readConfigFile() reads JSON with its lines', (context) => {
  assert.deepEqual(read(context, 'a.json', '{\n\t"workers": 4,\n\t"log": {\n\t\t"level": "info" } }'), [['DEFAULT', 'workers', 4, 2], ['log', 'level', 'info', 4]])
})

test('readJson() gives what JSON.parse gives', () => {
  const key = fc.string({ maxLength: 20 })
  fc.assert(fc.property(fc.dictionary(key, fc.jsonValue().filter((value) => typeof value !== 'object' || Array.isArray(value))), fc.constantFrom('', '  ', '\t'), (value, indent) => {
    const { entries, problems } = readJson(JSON.stringify(value, null, indent))
    assert.deepEqual(problems, [])
    assert.deepEqual(JSON.stringify(entries.map(({ key: name, value: inner }) => [name, inner])), JSON.stringify(Object.entries(value)))
  }))
})

test('readConfigFile() refuses a key that is given twice, in every format', (context) => {
  const error = fault(context, 'a.conf', '[log]\nlevel = a\n[DEFAULT]\nx = 1\n[log]\nlevel = b\n')
  assert.equal(error.code, 'CONFIG_SYNTAX')
  assert.match(error.message, /a\.conf:6: \[log\] level must be given once, and is on line 2 already/)
  for (const [name, text] of [['a.yaml', 'a: 1\na: 2'], ['b.yaml', 'a: 1\nDEFAULT: {a: 2}'], ['a.json', '{"a":1,\n"a":2}'], ['a.toml', 'a = 1\na = 2'], ['b.toml', 'a = 1\n[DEFAULT]\na = 2']] as const) {
    assert.equal(fault(context, name, text).code, 'CONFIG_SYNTAX', `${name}: ${text}`)
  }
})

test('readConfigFile() names file, line and rule of bad syntax, and does not quote the text', (context) => {
  const cases = [['a.conf', 'ok = 1\nhunter2', 2], ['a.yaml', 'ok: 1\nx: [hunter2', 2], ['a.toml', 'ok = 1\nx = hunter2', 2], ['a.json', '{"ok": 1,\n"x": hunter2', 2], ['b.yaml', 'hunter2', undefined], ['c.yaml', 'x: !secret hunter2', 1], ['d.yaml', '[a]: 1', undefined], ['b.json', '{a: 1}', undefined]] as const
  for (const [name, text, line] of cases) {
    const { code, message, details } = fault(context, name, text)
    assert.equal(code, 'CONFIG_SYNTAX', name)
    assert.doesNotMatch(message, /hunter2/)
    assert.match(message, /^Cannot read the configuration file ".*" as (INI|YAML|TOML|JSON):\n {2}/)
    if (line !== undefined) assert.match(message, new RegExp(`/${name}:${line}: `))
    assert.ok(Array.isArray(details?.['problems']))
  }
})

test('readConfigFile() lists every bad line of an INI file', (context) => {
  assert.deepEqual(fault(context, 'a.conf', 'junk\nok = 1\njunk').message.split('\n').length, 3)
})

test('readConfigFile() is not brought down by an alias bomb', (context) => {
  const bomb = Array.from({ length: 9 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array<string>(9).fill(`*a${n}`).join(', ')}]`)
  assert.equal(fault(context, 'a.yaml', ['a0: &a0 [x]', ...bomb].join('\n')).code, 'CONFIG_SYNTAX')
})

test('readConfigFile() takes hostile keys for plain keys', (context) => {
  const inner = (rows: unknown[]): unknown[] => rows.map((row) => (row as unknown[]).slice(0, 3))
  const expected = [['__proto__', 'polluted', 1], ['constructor', 'prototype', { polluted: 1 }], ['DEFAULT', 'toString', 1]]
  assert.deepEqual(inner(read(context, 'a.json', '{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}, "toString": 1}')), expected)
  assert.deepEqual(inner(read(context, 'a.yaml', '__proto__: {polluted: 1}\nconstructor: {prototype: {polluted: 1}}\ntoString: 1')), expected)
  const toml = inner(read(context, 'a.toml', 'toString = 1\n[__proto__]\npolluted = 1\n[constructor]\nprototype = {polluted = 1}'))
  assert.deepEqual(new Set(toml.map(String)), new Set(expected.map(String)))
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
})

test('readConfigFile() rejects a file that is not there', () => {
  const { code, message, details } = thrownBy(() => readConfigFile('/nowhere/reeve.conf'))
  assert.equal(code, 'CONFIG_UNREADABLE')
  assert.match(message, /"\/nowhere\/reeve\.conf".*ENOENT/)
  assert.deepEqual(details, { path: '/nowhere/reeve.conf', reason: 'ENOENT' })
})
