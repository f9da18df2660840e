import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { iniText, readIni } from '#src/config/read-ini.js'

function pairs(text: string): [string, string, string][] {
  const { entries, problems } = readIni(text)
  assert.deepEqual(problems, [])
  return entries.map(({ group, key, value }) => [group, key, value])
}

test('readIni() reads groups and assignments with = and :, the first of which counts', () => {
  assert.deepEqual(pairs('a = 1\n[log]\nlevel: info\nurl = http://h:1/?a=b\npath:a=b\n[ x ]\ny=\n'), [
    ['DEFAULT', 'a', '1'], ['log', 'level', 'info'], ['log', 'url', 'http://h:1/?a=b'], ['log', 'path', 'a=b'], ['x', 'y', ''],
  ])
})

test('readIni() takes comments at the start of a line only', () => {
  assert.deepEqual(pairs('# one\n; two\npassword = a;b#c  # d\n'), [['DEFAULT', 'password', 'a;b#c  # d']])
})

test('readIni() goes on with a value in indented lines, up to a blank line or a comment', () => {
  assert.deepEqual(pairs('a = 1,\n  2,\n\t# 3\nb =\n  x'), [['DEFAULT', 'a', '1,\n2,\n# 3'], ['DEFAULT', 'b', '\nx']])
  assert.equal(readIni('a = 1\n\n  2').problems.length, 1)
  assert.equal(readIni('a = 1\n# c\n  2').problems.length, 1)
})

test('readIni() takes one pair of quotes off', () => {
  assert.deepEqual(pairs(`a = " x "\nb = 'y'\nc = "\nd = "z'\ne = ""q""`).map(([, , value]) => value), [' x ', 'y', '"', `"z'`, '"q"'])
})

test('readIni() keeps the line of each key, CRLF or not', () => {
  assert.deepEqual(readIni('\r\n[g]\r\na = 1\r\n  2\r\n\r\nb = 3\r\n').entries, [
    { group: 'g', key: 'a', value: '1\n2', line: 3 }, { group: 'g', key: 'b', value: '3', line: 6 },
  ])
})

test('readIni() finds every junk line and does not quote it', () => {
  const { problems } = readIni('junk hunter2\n[open\n[]\n= 1\n  indented\n[a] # b\nok = 1')
  assert.deepEqual(problems.map(({ line }) => line), [1, 2, 3, 4, 5, 6])
  assert.doesNotMatch(JSON.stringify(problems), /hunter2/)
})

test('readIni() takes __proto__ for a name like any other', () => {
  assert.deepEqual(pairs('[__proto__]\nconstructor = 1'), [['__proto__', 'constructor', '1']])
})

test('iniText() and readIni() give every value back that INI can hold', () => {
  const texts = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: fc.constantFrom('a', ' ', '\n', '"', '\'', '#', ';', '=', '[', '\r', '\t') }))
  fc.assert(fc.property(texts, (value) => {
    const text = iniText(value)
    fc.pre(text !== undefined)
    assert.deepEqual(pairs(`[g]\nk = ${text}\nnext = 1`), [['g', 'k', value], ['g', 'next', '1']])
  }))
})

test('iniText() gives up only on several lines with blanks at their ends', () => {
  fc.assert(fc.property(fc.string(), (value) => {
    fc.pre(!value.includes('\n'))
    assert.notEqual(iniText(value), undefined)
  }))
  assert.equal(iniText('a\n\nb'), undefined)
  assert.equal(iniText('a\n b'), undefined)
})

test('readIni() never throws', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => { readIni(text) }))
})
