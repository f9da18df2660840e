import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasCode } from '#src/base/errors.js'
import { takeActivatedSockets } from '#src/launcher/socket-activation.js'

const PID = 4_711

function take(fds: string, names?: string): [string, number][] {
  const env = { LISTEN_PID: String(PID), LISTEN_FDS: fds, ...(names === undefined ? {} : { LISTEN_FDNAMES: names }) }
  return takeActivatedSockets(env, PID).map(({ name, fd }) => [name, fd])
}

test('takeActivatedSockets() numbers descriptors from 3 and keeps their names', () => {
  assert.deepEqual(take('2', 'http:admin'), [['http', 3], ['admin', 4]])
})

test('takeActivatedSockets() calls sockets without a name http, http2, …', () => {
  assert.deepEqual(take('1'), [['http', 3]])
  assert.deepEqual(take('1', ''), [['http', 3]])
  assert.deepEqual(take('1', 'unknown'), [['http', 3]])
  assert.deepEqual(take('1', 'reeve.socket'), [['http', 3]])
  assert.deepEqual(take('3', 'reeve.socket:unknown:'), [['http', 3], ['http2', 4], ['http3', 5]])
})

test('takeActivatedSockets() makes equal names unique, given names before made-up ones', () => {
  assert.deepEqual(take('3', 'api:api:api'), [['api', 3], ['api2', 4], ['api3', 5]])
  assert.deepEqual(take('2', 'reeve.socket:http'), [['http2', 3], ['http', 4]])
  assert.deepEqual(take('3', 'api:api:api2'), [['api', 3], ['api3', 4], ['api2', 5]])
})

test('takeActivatedSockets() is empty without the variables, without sockets and for another process', () => {
  assert.deepEqual(takeActivatedSockets({}, PID), [])
  assert.deepEqual(takeActivatedSockets({ LISTEN_FDS: '1' }, PID), [])
  assert.deepEqual(take('0'), [])
  assert.deepEqual(take('0', ''), [])
  assert.deepEqual(takeActivatedSockets({ LISTEN_PID: String(PID + 1), LISTEN_FDS: '1' }, PID), [])
})

test('takeActivatedSockets() removes the variables, whomever they are for, and nothing else', () => {
  for (const pid of [PID, PID + 1]) {
    const env = { LISTEN_PID: String(PID), LISTEN_FDS: '1', LISTEN_FDNAMES: 'http', PATH: '/bin' }
    takeActivatedSockets(env, pid)
    assert.deepEqual(env, { PATH: '/bin' })
  }
})

test('takeActivatedSockets() rejects variables that contradict sd_listen_fds(3)', () => {
  const contradictions: readonly NodeJS.ProcessEnv[] = [
    { LISTEN_PID: 'me', LISTEN_FDS: '1' },
    { LISTEN_PID: String(PID), LISTEN_FDS: 'one' },
    { LISTEN_PID: String(PID), LISTEN_FDS: '-1' },
    { LISTEN_PID: String(PID), LISTEN_FDS: '' },
    { LISTEN_PID: String(PID), LISTEN_FDS: '99999999999999999999' },
    { LISTEN_PID: String(PID), LISTEN_FDS: '2', LISTEN_FDNAMES: 'http' },
    { LISTEN_PID: String(PID), LISTEN_FDS: '1', LISTEN_FDNAMES: 'http:admin' },
    { LISTEN_PID: String(PID), LISTEN_FDS: '1', LISTEN_FDNAMES: 'connection' },
  ]
  for (const env of contradictions) {
    const title = JSON.stringify(env)
    assert.throws(() => takeActivatedSockets(env, PID), (error) => hasCode(error, 'SOCKET_ACTIVATION_INVALID'), title)
    assert.deepEqual(env, {}, `left behind by ${title}`)
  }
})

test('takeActivatedSockets() says the rule and the value', () => {
  assert.throws(() => take('2', 'http'), {
    message: 'Cannot take the sockets of systemd as LISTEN_FDNAMES must hold as many names as LISTEN_FDS says, 2: "http"',
  })
})
