import assert from 'node:assert/strict'
import { fstatSync, mkdtempSync, openSync, closeSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { CodedError } from '#src/base/errors.js'
import type { LogFields } from '#src/log/fields.js'
import { formatterOf, isJournal } from '#src/log/format.js'

const identity = { service: 'volume', workerId: 3, pid: 4711 }
const record = (message: string, fields: LogFields = {}) => ({ level: 'info', timeMs: 0, message, fields: { ...identity, ...fields } }) as const
const text = formatterOf('text', identity)
const json = formatterOf('json', identity)
const journald = formatterOf('journald', identity)

test('text begins with time, level, service, slot and pid', () => {
  assert.equal(text(record('hello world', { key: 'value', n: 1 })), '1970-01-01T00:00:00.000Z INFO  volume[3] 4711 hello world key=value n=1')
})

test('text leaves out what is not known of the origin', () => {
  const line = (fields: LogFields): string => formatterOf('text', fields)({ level: 'error', timeMs: 0, message: 'm', fields })
  assert.equal(line({}), '1970-01-01T00:00:00.000Z ERROR m')
  assert.equal(line({ service: 's' }), '1970-01-01T00:00:00.000Z ERROR s m')
  assert.equal(line({ service: 's', pid: 1 }), '1970-01-01T00:00:00.000Z ERROR s 1 m')
})

test('text shows a field that differs from the origin of its name', () => {
  assert.match(text(record('worker exited', { pid: 99 })), /volume\[3\] 4711 worker exited pid=99$/)
})

test('text quotes what could be misread', () => {
  const fields = { plain: 'a/b:c', empty: '', space: 'a b', equals: 'a=b', quote: 'a"b', object: { a: 1 }, big: 5n, nothing: null, 'odd key': 1 }
  assert.match(text(record('m', fields)), / m plain=a\/b:c empty="" space="a b" equals="a=b" quote="a\\"b" object=\{"a":1\} big=5 nothing=null "odd key"=1$/)
})

test('text cannot be made to begin a second line or to command a terminal', () => {
  const line = text(record('one\ntwo\r\u001b[31m\u2028\u009b', { field: 'a\nb\u001b', 'ke\ny': '\u007f' }))
  assert.doesNotMatch(line, /[\p{Cc}\u2028]/u)
  assert.match(line, /one\\ntwo\\r\\u001b\[31m\\u2028\\u009b field="a\\nb\\u001b"/)
})

test('text continues with the stack of an error, each line with the same beginning', () => {
  const error = new CodedError('OUTER', 'it\nbroke', { details: { size: 1 }, cause: new Error('inner') })
  const lines = text(record('failed', { error })).split('\n')
  assert.ok(lines.length > 4)
  for (const line of lines) assert.ok(line.startsWith('1970-01-01T00:00:00.000Z INFO  volume[3] 4711 '))
  assert.match(lines[0] ?? '', /failed error="it\\nbroke" error.code=OUTER error.details=\{"size":1\}$/)
  assert.ok(lines.some((line) => line.includes('Caused by: Error: inner')))
})

test('text ends when causes form a ring', () => {
  const error = new Error('ring')
  error.cause = error
  assert.match(text(record('m', { error })), /…$/)
})

test('json is one object a line: time, level, message, then the fields', () => {
  const line = json(record('a\nb', { error: new Error('x\ny'), n: 1n }))
  assert.ok(!line.includes('\n'))
  const object = JSON.parse(line) as { time: string; error: Error }
  assert.deepEqual(Object.keys(object), ['time', 'level', 'message', 'service', 'workerId', 'pid', 'error', 'n'])
  assert.equal(object.time, '1970-01-01T00:00:00.000Z')
  assert.equal(object.error.message, 'x\ny')
})

test('journald is one line with a priority, without a time, with the stack escaped', () => {
  const error = new Error('outer', { cause: new Error('inner') })
  const line = journald({ ...record('failed', { error }), level: 'error' })
  assert.match(line, /^<3>ERROR volume\[3\] 4711 failed error=outer error.stack="Error: outer\\n.*Caused by: Error: inner/)
  assert.ok(!line.includes('\n'))
})

test('journald has the priorities of syslog', () => {
  const priorities = (['error', 'warn', 'info', 'debug', 'trace'] as const).map((level) => journald({ ...record('m'), level }).slice(0, 3))
  assert.deepEqual(priorities, ['<3>', '<4>', '<6>', '<7>', '<7>'])
})

test('isJournal() compares device and inode of the descriptor', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-log-'))
  const fd = openSync(join(folder, 'journal'), 'w')
  const { dev, ino } = fstatSync(fd)
  assert.equal(isJournal(fd, { JOURNAL_STREAM: `${dev}:${ino}` }), true)
  assert.equal(isJournal(fd, { JOURNAL_STREAM: `${dev}:${ino + 1}` }), false)
  assert.equal(isJournal(fd, {}), false)
  closeSync(fd)
  assert.equal(isJournal(fd, { JOURNAL_STREAM: `${dev}:${ino}` }), false)
  rmSync(folder, { recursive: true })
})
