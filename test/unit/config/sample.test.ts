import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { defineOptions } from '#src/config/define-options.js'
import { readIni } from '#src/config/read-ini.js'
import { resolveConfig } from '#src/config/resolve.js'
import { renderSample, wrapText } from '#src/config/sample.js'
import { rawFrom } from './support.js'

const groups = defineOptions({
  DEFAULT: {
    workers: { type: 'string', sampleDefault: 'one per CPU', help: 'Worker processes.' },
    graceful_shutdown_timeout: { type: 'duration', defaultMs: 60_000, minMs: 1, mutable: true, help: 'From SIGTERM to SIGKILL. '.repeat(6) },
    password: { type: 'string', secret: true, default: 'hunter2', help: 'For the store.' },
  },
  log: {
    level: { type: 'string', choices: ['debug', 'info'], default: 'info', help: 'The least that is written.' },
    motto: { type: 'string', default: ' a\tb ', help: 'Words.' },
    targets: { type: 'list', help: 'Where to.' },
  },
})

const sample = renderSample(groups, { title: 'reeve.conf' })

test('renderSample() says all there is of an option', () => {
  assert.ok(sample.startsWith('# reeve.conf\n#\n'))
  assert.ok(sample.includes([
    '# From SIGTERM to SIGKILL. From SIGTERM to SIGKILL. From SIGTERM to SIGKILL.',
    '# From SIGTERM to SIGKILL. From SIGTERM to SIGKILL. From SIGTERM to SIGKILL.',
    '# Value: a duration (500ms, 5s, 2m; a bare number is seconds) of at least 1ms.',
    '# May change without a restart.',
    '# Also: $REEVE_GRACEFUL_SHUTDOWN_TIMEOUT, --graceful-shutdown-timeout',
    '#graceful_shutdown_timeout = 1m',
  ].join('\n')))
  assert.ok(sample.includes('[log]\n\n# The least that is written.\n# Value: one of debug, info.\n# Also: $REEVE_LOG__LEVEL, --log-level\n#level = info\n'))
  assert.match(sample, /^# Default: one per CPU\.\n.*\n#workers =$/m)
  assert.match(sample, /^#targets =$/m)
})

test('renderSample() does not show the default of a secret', () => {
  assert.doesNotMatch(sample, /hunter2/)
  assert.match(sample, /^# A secret: masked wherever it is shown\.$/m)
})

test('renderSample() is at most 78 columns wide', () => {
  for (const line of sample.split('\n')) assert.ok(line.length <= 78, line)
})

test('renderSample() leaves out flags that there are not', () => {
  assert.match(renderSample(groups, { title: 't', flagOf: () => undefined }), /^# Also: \$REEVE_LOG__LEVEL$/m)
})

test('renderSample() is INI that sets nothing, and sets the defaults when uncommented', () => {
  assert.deepEqual(readIni(sample), { entries: [], problems: [] })
  const { entries, problems } = readIni(sample.replace(/^#(?=\S)/gm, ''))
  assert.deepEqual(problems, [])
  const kept = entries.filter(({ key }) => !['workers', 'password', 'targets'].includes(key))
  const { config } = resolveConfig(groups, rawFrom(kept.map(({ group, key, value }) => [group, key, value] as const)))
  assert.deepEqual(config.of(groups).log, resolveConfig(groups, rawFrom([])).config.of(groups).log)
})

test('wrapText() loses no word and keeps to the width', () => {
  fc.assert(fc.property(fc.array(fc.stringMatching(/^[a-z]{1,12}$/)), (words) => {
    const lines = wrapText(words.join(' '), 12)
    assert.deepEqual(lines.join(' ').split(' ').filter(Boolean), words)
    assert.ok(lines.every((line) => line.length <= 12))
  }))
})
