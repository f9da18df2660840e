import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCoordinationUrl, redactUrl, type CoordinationTarget } from '#src/coordination/url.js'
import type { RedisTarget } from '#src/coordination/redis/target.js'

function redis(url: string): RedisTarget {
  const target: CoordinationTarget = parseCoordinationUrl(url)
  assert.equal(target.driver, 'redis')
  return target
}

test('parseCoordinationUrl() reads embedded: with and without a socket', () => {
  assert.deepEqual(parseCoordinationUrl('embedded:'), { driver: 'embedded', url: 'embedded:', path: undefined, settings: {} })
  assert.deepEqual(parseCoordinationUrl('embedded:/run/reeve/c.sock?max_ttl=2s&ttl=500ms'), {
    driver: 'embedded', url: 'embedded:/run/reeve/c.sock', path: '/run/reeve/c.sock', settings: { maxTtlMs: 2_000, ttlMs: 500 },
  })
})

test('parseCoordinationUrl() reads a plain Redis, with what it leaves out', () => {
  assert.deepEqual(redis('redis://localhost'), {
    driver: 'redis', kind: 'standalone', url: 'redis://localhost:6379/0', hosts: [{ host: 'localhost', port: 6379 }],
    username: undefined, password: undefined, db: 0, masterName: undefined, sentinelUsername: undefined, sentinelPassword: undefined,
    tls: undefined, family: 0, prefix: 'reeve', settings: {},
  })
  const full = redis('redis://us%65r:p%40ss/:w@[::1]:7000/3?prefix=x&family=6&safety=strict&durability=replica&command_timeout=1.5&ttl=5s')
  assert.equal(full.url, 'redis://user@[::1]:7000/3')
  assert.deepEqual([full.username, full.password, full.db, full.prefix, full.family], ['user', 'p@ss/:w', 3, 'x', 6])
  assert.deepEqual(full.hosts, [{ host: '::1', port: 7000 }])
  assert.deepEqual(full.settings, { ttlMs: 5_000, commandTimeoutMs: 1_500, safety: 'strict', durability: 'replica' })
  assert.deepEqual([redis('redis://:secret@h').username, redis('redis://:secret@h').password], [undefined, 'secret'])
})

test('parseCoordinationUrl() reads TLS, Sentinel and Cluster', () => {
  assert.deepEqual(redis('rediss://h?ca=/a&cert=/c&key=/k').tls, { ca: '/a', cert: '/c', key: '/k' })
  assert.deepEqual(redis('redis+cluster://h:1?tls=yes').tls, { ca: undefined, cert: undefined, key: undefined })
  const sentinel = redis('redis+sentinel://u:p@a:1,b/my%20master/2?sentinel_username=su&sentinel_password=sp')
  assert.deepEqual(sentinel.hosts, [{ host: 'a', port: 1 }, { host: 'b', port: 26_379 }])
  assert.deepEqual([sentinel.kind, sentinel.masterName, sentinel.db, sentinel.sentinelUsername, sentinel.sentinelPassword], ['sentinel', 'my master', 2, 'su', 'sp'])
  assert.equal(sentinel.url, 'redis+sentinel://u@a:1,b:26379/my%20master/2')
  const cluster = redis('redis+cluster://a:1,b:2')
  assert.deepEqual([cluster.kind, cluster.url, cluster.db], ['cluster', 'redis+cluster://a:1,b:2', 0])
})

const FAULTS: readonly (readonly [url: string, message: RegExp])[] = [
  ['', /begins with a scheme/],
  ['localhost:6379', /the drivers are embedded, redis,.*: localhost$/],
  ['reddis://h', /did you mean redis\?\): reddis$/],
  ['redis+quorum://a,b,c', /comes later and there are embedded, redis, rediss, redis\+sentinel, redis\+cluster: redis\+quorum$/],
  ['etcd://a', /comes later/],
  ['redis:', /names a host/],
  ['redis://', /a host is .*: nothing$/],
  ['redis://a,b', /one Redis has one host/],
  ['redis://a:', /a port is .*: nothing$/],
  ['redis://a:0', /a port is a whole number from 1 to 65535: 0$/],
  ['redis://a:65536', /: 65536$/],
  ['redis://a:6379x', /: 6379x$/],
  ['redis://h o', /a host is/],
  ['redis://h/x', /a database is a whole number, the last part of the path: x$/],
  ['redis://h/1/2', /a database is/],
  ['redis://user@h', /a user comes with a password/],
  ['redis://h%zz?a=%zz', /a % is followed by two hexadecimal digits/],
  ['redis://h?max_tl=5', /did you mean max_ttl\?\): max_tl$/],
  ['redis://h?sentinel_password=x', /it takes .*: sentinel_password$/],
  ['redis://h?ttl=5&ttl=6', /given once: ttl$/],
  ['redis://h?ttl=5x', /ttl is a duration.*: 5x$/],
  ['redis://h?ttl=1ms', /ttl is 250 to 3600000 ms: 1ms$/],
  ['redis://h?ttl=5s&max_ttl=2s', /ttl is at most max_ttl: 5s$/],
  ['redis://h?safety=no', /safety is efficient or strict: no$/],
  ['redis://h?family=5', /family is 4 or 6: 5$/],
  ['redis://h?prefix=a{b}', /a prefix is .*: a\{b\}$/],
  ['redis://h?ca=/x', /belong to TLS.*: ca$/],
  ['rediss://h?cert=/x', /cert and key come together: cert$/],
  ['rediss://h?tls=no', /rediss:\/\/ is with TLS: tls=no$/],
  ['redis+sentinel://a:1,b:2', /told the name of the master/],
  ['redis+sentinel://a:1,,b:2/m', /a host is .*: nothing$/],
  ['redis+cluster://a/1', /a Cluster has database 0 only: 1$/],
  ['embedded://host/x.sock', /embedded: has no host.*: host$/],
  ['embedded:x.sock', /path of a socket is absolute.*: x.sock$/],
  ['embedded:?durability=replica', /it takes ttl, max_ttl, command_timeout, safety.*: durability$/],
]

test('parseCoordinationUrl() says what is wrong with a URL', () => {
  for (const [url, message] of FAULTS) assert.throws(() => parseCoordinationUrl(url), { code: 'COORDINATION_URL_INVALID', message }, url)
})

test('parseCoordinationUrl() and redactUrl() never tell a password', () => {
  const secrets = ['redis://u:hunter2@h:0', 'redis://:hunter2@h:x', 'redis://hunter2@h', 'redis://u:a@hunter2@h:0', 'redis+sentinel://a?sentinel_password=hunter2', 'xx://u:hunter2@h', 'redis://u:x?hunter2@h']
  for (const url of secrets) {
    assert.ok(!redactUrl(url).includes('hunter2'), redactUrl(url))
    assert.throws(() => parseCoordinationUrl(url), (error: Error) => error.message.startsWith('Cannot use the coordination URL "') && !JSON.stringify([error.message, error]).includes('hunter2'), url)
  }
  assert.equal(redactUrl('redis://u:p@h:1/0?ttl=5'), 'redis://u:***@h:1/0?ttl=5')
})
