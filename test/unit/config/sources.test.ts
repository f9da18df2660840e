import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { groupNames, sourceText } from '#src/config/raw-config.js'
import { existingFiles, readSources } from '#src/config/sources.js'
import { thrownBy, writeFiles } from './support.js'

test('readSources() puts files first, then what is in directories, sorted', (context) => {
  const directory = writeFiles(context, {
    'b.conf': 'a = 1', 'a.yaml': 'a: 2', 'B.toml': 'a = 3', 'c.json': '{"a":4}', 'd.txt': 'junk', '.hidden.conf': 'junk', 'e.conf~': 'junk', 'f.INI': 'a = 5', 'g.yml': 'a: 6',
  })
  mkdirSync(join(directory, 'dir.conf'))
  const { files } = readSources({ files: [join(directory, 'c.json'), join(directory, 'b.conf')].slice(0, 1), directories: [directory] })
  const names = files.map(({ source }) => sourceText(source).slice(directory.length + 1))
  assert.deepEqual(names, ['c.json:1', 'B.toml', 'a.yaml:1', 'b.conf:1', 'c.json:1', 'f.INI:1', 'g.yml:1'])
})

test('readSources() takes the variables that begin with REEVE_, but REEVE_NO_NATIVE', () => {
  const { variables } = readSources({ env: { REEVE_WORKERS: '4', REEVE_NO_NATIVE: '1', HOME: '/', REEVE_GONE: undefined, reeve_x: '1' } })
  assert.deepEqual(variables, [{ value: '4', source: { kind: 'environment', name: 'REEVE_WORKERS' } }])
})

test('readSources() keeps flags and gives plain data', (context) => {
  const directory = writeFiles(context, { 'a.toml': 'a = 2026-01-02T00:00:00Z\nb = inf' })
  const raw = readSources({ directories: [directory], env: { REEVE_A: '' }, flags: [{ group: 'DEFAULT', key: 'workers', value: '4', flag: '--workers' }] })
  assert.deepEqual(raw.flags[0]?.source, { kind: 'command line', flag: '--workers' })
  assert.deepEqual(JSON.parse(JSON.stringify(raw)), raw)
})

test('readSources() without anything is empty', () => {
  assert.deepEqual(readSources({}), { files: [], variables: [], flags: [] })
})

test('readSources() rejects a directory that is not there', () => {
  assert.equal(thrownBy(() => readSources({ directories: ['/nowhere'] })).code, 'CONFIG_UNREADABLE')
})

test('existingFiles() keeps what is there', (context) => {
  const directory = writeFiles(context, { 'a.conf': '' })
  const file = join(directory, 'a.conf')
  assert.deepEqual(existingFiles([join(directory, 'b.conf'), file, join(file, 'below')]), [file])
})

test('groupNames() names each group once, in order', () => {
  const source = { kind: 'command line', flag: '--x' } as const
  const entry = (group: string): { group: string, key: string, value: string, source: typeof source } => ({ group, key: 'k', value: '', source })
  assert.deepEqual(groupNames({ files: [entry('b'), entry('a')], variables: [], flags: [entry('b'), entry('c')] }), ['b', 'a', 'c'])
})
