import assert from 'node:assert/strict'
import { test } from 'node:test'
import { declaredOptions } from '#src/config/groups.js'
import { resolveConfig } from '#src/config/resolve.js'
import { launcherOptions, optionGroups, serviceOptions } from '#src/launcher/options.js'
import { rawFrom } from '../config/support.js'

test('optionGroups() are the launcher\'s, the log\'s, and one for each service that the configuration names', () => {
  assert.deepEqual(Object.keys(optionGroups()), ['DEFAULT', 'log'])
  const groups = optionGroups(['web', 'service:api', 'service_b', 'DEFAULT', 'service:b'])
  assert.deepEqual(Object.keys(groups), ['DEFAULT', 'log', 'service:api', 'service:b'])
  assert.equal(groups['service:api'], serviceOptions)
})

test('every option is declared well, and has a default that obeys its own rule', () => {
  assert.ok(declaredOptions(optionGroups(['service:api'])).length > 20)
  resolveConfig(optionGroups(['service:api']), rawFrom([]))
})

test('every option says what it is for in whole sentences', () => {
  for (const [key, { help }] of Object.entries({ ...launcherOptions, ...serviceOptions })) assert.match(help, /^[A-Z][^]*\.$/, key)
})

const rules: readonly (readonly [string, string, boolean])[] = [
  ['workers', 'auto', true], ['workers', '1', true], ['workers', '9999', true],
  ['workers', '0', false], ['workers', '-1', false], ['workers', '1.5', false], ['workers', '10000', false], ['workers', 'many', false], ['workers', '', false],
  ['name', 'api@1.2-x', true], ['name', '.hidden', false], ['name', '../up', false], ['name', 'a b', false],
  ['restart_type', 'transient', true], ['restart_type', 'sometimes', false],
  ['boot_timeout', '1ms', true], ['boot_timeout', '0', false],
  ['hang_timeout', '0', true], ['graceful_shutdown_timeout', '0', true], ['heartbeat_interval', '9ms', false],
  ['restart_intensity', '0', false], ['restart_intensity', '1', true], ['restart_delay_max', '0', true],
]

for (const [key, value, valid] of rules) {
  test(`launcherOptions: ${key} = ${JSON.stringify(value)} is ${valid ? 'taken' : 'refused'}`, () => {
    const resolve = (): unknown => resolveConfig(optionGroups(), rawFrom([['DEFAULT', key, value]]))
    if (valid) resolve()
    else assert.throws(resolve, { code: 'CONFIG_INVALID' })
  })
}
