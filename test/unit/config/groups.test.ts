import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OptionDefinition, OptionGroups } from '#src/base/option.js'
import { declaredOptions, mergeGroups } from '#src/config/groups.js'

const text: OptionDefinition = { type: 'string', help: 'Text.' }

test('declaredOptions() keeps the order of declaration', () => {
  const options = declaredOptions({ 'service:api': { b_c: text, a: { type: 'duration', help: '' } }, DEFAULT: { d: text } })
  assert.deepEqual(options.map(({ group, name }) => `${group} ${name}`), ['service:api bC', 'service:api aMs', 'DEFAULT d'])
})

test('declaredOptions() refuses names that some source could not hold', () => {
  for (const key of ['camelCase', 'a__b', '_a', 'a_', '1a', 'a-b', 'a.b', '', '__proto__', 'A']) {
    assert.throws(() => declaredOptions({ DEFAULT: Object.fromEntries([[key, text]]) }), TypeError, key)
  }
  for (const group of ['', '__proto__', 'a b', 'a]', ' a']) {
    assert.throws(() => declaredOptions(Object.fromEntries([[group, {}]])), TypeError, group)
  }
})

test('declaredOptions() refuses a type that there is not', () => {
  const groups = { DEFAULT: { a: { type: 'int', help: '' } } } as unknown as OptionGroups
  assert.throws(() => declaredOptions(groups), /Cannot declare the option "\[DEFAULT\] a" as its type is one of .*: int/)
})

test('declaredOptions() refuses two options with one name in code', () => {
  assert.throws(() => declaredOptions({ DEFAULT: { wait: { type: 'duration', help: '' }, wait_ms: { type: 'integer', help: '' } } }), /waitMs/)
})

test('mergeGroups() joins groups and refuses an option that is declared twice', () => {
  const merged = mergeGroups({ a: { x: text } }, { b: { x: text }, a: { y: text } })
  assert.deepEqual(merged, { a: { x: text, y: text }, b: { x: text } })
  assert.throws(() => mergeGroups({ a: { x: text } }, { a: { x: text } }), { code: 'CONFIG_DUPLICATE_OPTION', details: { group: 'a', key: 'x' } })
})
