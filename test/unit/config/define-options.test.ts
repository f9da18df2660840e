import assert from 'node:assert/strict'
import { test } from 'node:test'
import { camelName } from '#src/config/names.js'
import { defineOptions, type ConfigValues, type NameInCode } from '#src/config/define-options.js'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false

const options = defineOptions({
  volume: {
    upload_timeout: { type: 'duration', defaultMs: 1, help: '' },
    idle_time: { type: 'duration', help: '' },
    max_body: { type: 'size', defaultBytes: 1, help: '' },
    colour: { type: 'string', choices: ['red', 'blue'], default: 'red', help: '' },
    name: { type: 'string', help: '' },
    tags: { type: 'list', choices: ['x', 'y'], help: '' },
    hosts: { type: 'list', default: [], help: '' },
    http_2_port: { type: 'port', default: 1, help: '' },
    verbose: { type: 'boolean', default: false, help: '' },
    ratio: { type: 'number', help: '' },
  },
})

interface Expected {
  readonly uploadTimeoutMs: number
  readonly idleTimeMs: number | undefined
  readonly maxBodyBytes: number
  readonly colour: 'red' | 'blue'
  readonly name: string | undefined
  readonly tags: readonly ('x' | 'y')[] | undefined
  readonly hosts: readonly string[]
  readonly http2Port: number
  readonly verbose: boolean
  readonly ratio: number | undefined
}

test('defineOptions() is the identity, and its values have their types', () => {
  const sameTypes: Same<ConfigValues<typeof options>['volume'], Expected> = true
  assert.ok(sameTypes)
  assert.equal(defineOptions(options), options)
})

test('NameInCode and camelName() agree', () => {
  const name: NameInCode<'graceful_shutdown_2_timeout', { type: 'duration', help: '' }> = 'gracefulShutdown2TimeoutMs'
  assert.equal(camelName('graceful_shutdown_2_timeout', { type: 'duration' }), name)
})
