import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OptionGroups } from '#src/base/option.js'
import { problemText } from '#src/config/errors.js'
import type { UnclaimedEntry } from '#src/config/raw-config.js'
import { resolveConfig } from '#src/config/resolve.js'
import { knownOptions, rejectUnclaimed, unclaimedProblems } from '#src/config/unclaimed.js'
import { rawFrom, thrownBy } from './support.js'

const groups: OptionGroups = {
  DEFAULT: { workers: { type: 'integer', help: '' }, graceful_shutdown_timeout: { type: 'duration', help: '' } },
  log: { level: { type: 'string', help: '' } },
}

function problem(entry: UnclaimedEntry | undefined): string {
  assert.ok(entry)
  return unclaimedProblems([entry], groups).map(problemText).join()
}

function inFile(group: string, key: string): string {
  return problem(rawFrom([[group, key, 'hunter2']]).files[0])
}

test('unclaimedProblems() suggests the nearest key of the group, in any case', () => {
  assert.equal(inFile('DEFAULT', 'wrokers'), 'reeve.conf:1: [DEFAULT] wrokers is not an option; did you mean workers?')
  assert.match(inFile('DEFAULT', 'gracefulShutdownTimeout'), /did you mean graceful_shutdown_timeout\?$/)
  assert.match(inFile('DEFAULT', 'graceful-shutdown-timeout'), /did you mean graceful_shutdown_timeout\?$/)
})

test('unclaimedProblems() suggests the group in which the key exists', () => {
  assert.match(inFile('DEFAULT', 'level'), /did you mean \[log\] level\?$/)
  assert.match(inFile('nowhere', 'workers'), /did you mean \[DEFAULT\] workers\?$/)
})

test('unclaimedProblems() suggests the nearest group', () => {
  assert.equal(inFile('lgo', 'levle'), 'reeve.conf:1: [lgo] levle is not an option, and [lgo] is not a group; did you mean [log]?')
  assert.match(inFile('default', 'x'), /did you mean \[DEFAULT\]\?$/)
})

test('unclaimedProblems() suggests nothing where nothing is near, and never shows the value', () => {
  assert.equal(inFile('DEFAULT', 'colour'), 'reeve.conf:1: [DEFAULT] colour is not an option')
  assert.doesNotMatch(inFile('x', '__proto__'), /hunter2|mean/)
})

test('unclaimedProblems() suggests variables for variables and flags for flags', () => {
  assert.equal(problem({ value: '1', source: { kind: 'environment', name: 'REEVE_LOG_LEVEL' } }), '$REEVE_LOG_LEVEL: is not an option; did you mean $REEVE_LOG__LEVEL?')
  assert.equal(problem({ group: 'DEFAULT', key: 'wokers', value: '1', source: { kind: 'command line', flag: '--wokers' } }), '--wokers: [DEFAULT] wokers is not an option; did you mean --workers?')
})

test('rejectUnclaimed() throws them all at once, and nothing for nothing', () => {
  const raw = rawFrom([['DEFAULT', 'a', '1'], ['DEFAULT', 'b', '1']])
  const { config, unclaimed } = resolveConfig(groups, raw)
  rejectUnclaimed([], groups)
  const { code, message } = thrownBy(() => { rejectUnclaimed(unclaimed, groups) })
  assert.equal(code, 'CONFIG_INVALID')
  assert.equal(message.split('\n').length, 3)
  assert.equal(thrownBy(() => { rejectUnclaimed(unclaimed, knownOptions(config)) }).message, message)
})
