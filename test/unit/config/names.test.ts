import assert from 'node:assert/strict'
import { test } from 'node:test'
import { camelName, envName, flagName } from '#src/config/names.js'

test('camelName() carries the unit', () => {
  assert.equal(camelName('graceful_shutdown_timeout', { type: 'duration' }), 'gracefulShutdownTimeoutMs')
  assert.equal(camelName('max_body', { type: 'size' }), 'maxBodyBytes')
  assert.equal(camelName('http_2_port', { type: 'port' }), 'http2Port')
  assert.equal(camelName('name', { type: 'string' }), 'name')
})

test('flagName() puts the group in front unless it is DEFAULT', () => {
  assert.equal(flagName('DEFAULT', 'graceful_shutdown_timeout'), '--graceful-shutdown-timeout')
  assert.equal(flagName('log', 'level'), '--log-level')
  assert.equal(flagName('service:api', 'restart_type'), '--service-api-restart-type')
})

test('envName() makes _ of what a variable cannot hold', () => {
  assert.equal(envName('DEFAULT', 'workers'), 'REEVE_WORKERS')
  assert.equal(envName('log', 'level'), 'REEVE_LOG__LEVEL')
  assert.equal(envName('service:api-v1.2', 'workers'), 'REEVE_SERVICE_API_V1_2__WORKERS')
})
