import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { openRedis, type RedisConnection, type RedisConnectionOptions } from '#src/coordination/redis/connection.js'
import type { RedisScript } from '#src/coordination/redis/port.js'
import { neededRights } from '#src/coordination/redis/server-errors.js'
import { parseCoordinationUrl } from '#src/coordination/url.js'
import { freePort } from '../support/ports.js'
import { until } from '../support/processes.js'
import { RedisServer } from '../support/redis.js'
import { RedisCluster, TlsFixture, withoutRedis } from '../support/redis-topologies.js'
import { TcpProxy } from '../support/tcp-proxy.js'

const skip = await withoutRedis('RedisConnection')
const COUNT: RedisScript = { name: 'count', lua: "return redis.call('INCR', KEYS[1])", flags: [] }

async function open(t: TestContext, url: string, options: Partial<RedisConnectionOptions> = {}): Promise<RedisConnection> {
  const target = parseCoordinationUrl(url)
  assert.equal(target.driver, 'redis')
  const connection = await openRedis(target, { memberId: 'h1/volume 0', maxTtlMs: 1_000, commandTimeoutMs: 1_000, safety: 'efficient', durability: 'async', ...options })
  t.after(() => connection.close())
  return connection
}

async function serve(t: TestContext, args: readonly string[] = []): Promise<RedisServer> {
  const server = await RedisServer.start(args)
  t.after(() => server.stop())
  return server
}

test('openRedis() gives a verified connection with a name and two clients', { skip }, async (t) => {
  const server = await serve(t)
  const connection = await open(t, `${server.url}/2`)
  assert.deepEqual(connection.status(), { connected: true, url: `${server.url}/2`, warnings: [] })
  assert.match(connection.epoch?.value ?? '', /^[0-9a-f]{40} /)
  assert.match(connection.wakeChannel, /^reeve:wake:\S{12}$/)
  assert.equal((await server.command('CLIENT', 'LIST')).split('\n').filter((line) => line.includes('name=reeve:h1/volume_0')).length, 2)
  assert.equal(await server.command('-n', '2', 'GET', 'reeve:epoch'), connection.epoch?.value)
  await connection.close()
  await until('nothing of it is left', async () => !(await server.command('CLIENT', 'LIST')).includes('name=reeve:'))
})

test('openRedis() rejects when nobody answers in time, and names the URL without the password', { skip }, async (t) => {
  const port = await freePort()
  const url = `redis://me:hunter2@127.0.0.1:${port}`
  await assert.rejects(open(t, url, { connectTimeoutMs: 300 }), (error: Error & { code: string }) => {
    assert.equal(error.code, 'COORDINATION_UNAVAILABLE')
    assert.match(error.message, new RegExp(`^Cannot connect to "redis://me@127.0.0.1:${port}/0" as it must be ready within 300 ms: connect ECONNREFUSED`))
    return !JSON.stringify([error, error.message]).includes('hunter2')
  })
  const proxy = await TcpProxy.start(port)
  t.after(() => proxy.stop())
  proxy.blackhole()
  await assert.rejects(open(t, `redis://127.0.0.1:${proxy.port}`, { connectTimeoutMs: 300 }), { code: 'COORDINATION_UNAVAILABLE' })
  await assert.rejects(open(t, `redis+cluster://127.0.0.1:${port}`, { connectTimeoutMs: 300 }), { code: 'COORDINATION_UNAVAILABLE', message: /ECONNREFUSED|closed/ })
  await assert.rejects(open(t, `redis+sentinel://127.0.0.1:${port}/m`, { connectTimeoutMs: 300 }), { code: 'COORDINATION_UNAVAILABLE' })
})

test('openRedis() rejects a wrong or missing password at once', { skip }, async (t) => {
  const server = await serve(t)
  await server.command('CONFIG', 'SET', 'requirepass', 'right')
  const before = performance.now()
  for (const url of [`redis://:wrong@127.0.0.1:${server.port}`, `redis://127.0.0.1:${server.port}`]) {
    await assert.rejects(open(t, url), (error: Error & { code: string }) => error.code === 'COORDINATION_REFUSED' && !error.message.includes('wrong@') && /WRONGPASS|NOAUTH/.test(error.message), url)
  }
  assert.ok(performance.now() - before < 3_000)
  await open(t, `redis://:right@127.0.0.1:${server.port}`)
})

test('run() sends the text of a script once, and again after SCRIPT FLUSH', { skip }, async (t) => {
  const server = await serve(t)
  const connection = await open(t, server.url)
  assert.equal(await connection.run(COUNT, ['reeve:n'], []), 1)
  assert.equal(await connection.run(COUNT, ['reeve:n'], []), 2)
  await server.command('SCRIPT', 'FLUSH')
  assert.equal(await connection.run(COUNT, ['reeve:n'], []), 3)
  const stats = await server.command('INFO', 'commandstats')
  assert.match(stats, /cmdstat_evalsha:calls=4,/) // One for the epoch; three were answered NOSCRIPT.
  assert.match(stats, /cmdstat_eval:calls=3,/)
})

test('commands() answers in the order of its commands, and rejects when one of them fails', { skip }, async (t) => {
  const connection = await open(t, (await serve(t)).url)
  assert.deepEqual(await connection.commands([['SET', 'reeve:a', 1], ['hset', 'reeve:h', 'f', 2], ['HGETALL', 'reeve:h']]), ['OK', 1, ['f', '2']])
  assert.equal(await connection.command('GET', 'reeve:a'), '1')
  await assert.rejects(connection.commands([['GET', 'reeve:a'], ['GET', 'reeve:h']]), { code: 'COORDINATION_REFUSED', message: /WRONGTYPE/ })
  await assert.rejects(connection.command('NOSUCH', 'reeve:a'), { code: 'COORDINATION_REFUSED', message: /does not have a command/ })
})

test('scan() finds every key of a pattern once', { skip }, async (t) => {
  const connection = await open(t, (await serve(t)).url)
  const keys = Array.from({ length: 2_500 }, (_, index) => `reeve:k${index}`)
  await connection.commands(keys.map((key) => ['SET', key, 1]))
  assert.deepEqual([...await connection.scan('reeve:k*')].sort(), keys.sort())
})

test('subscribe() asks once for a channel, and ends with the last listener', { skip }, async (t) => {
  const server = await serve(t)
  const connection = await open(t, server.url)
  const heard: string[] = []
  const leave = await Promise.all(['a', 'b'].map((name) => connection.subscribe('reeve:c', (message) => heard.push(name + message))))
  assert.equal(await server.command('PUBLISH', 'reeve:c', '1'), '1')
  await until('both have heard', () => heard.length === 2)
  leave[0]?.()
  await server.command('PUBLISH', 'reeve:c', '2')
  await until('one has heard', () => heard.length === 3)
  leave[1]?.()
  await until('nobody listens', async () => await server.command('PUBSUB', 'NUMSUB', 'reeve:c') === 'reeve:c\n0')
  assert.deepEqual(heard.sort(), ['a1', 'b1', 'b2'])
})

test('run() is refused when the memory is full, save for a script that may', { skip }, async (t) => {
  const server = await serve(t)
  const connection = await open(t, server.url)
  await server.command('CONFIG', 'SET', 'maxmemory', '1')
  await assert.rejects(connection.run(COUNT, ['reeve:n'], []), { code: 'COORDINATION_REFUSED', message: /has used up its maxmemory.*OOM/ })
  assert.equal(await connection.run({ ...COUNT, flags: ['allow-oom'] }, ['reeve:n'], []), 1)
})

test('RedisConnection needs no more rights than neededRights() tells', { skip }, async (t) => {
  const server = await serve(t)
  await server.command('ACL', 'SETUSER', 'reeve', 'on', '>pw', 'resetkeys', 'resetchannels', '-@all', ...neededRights('reeve').split(' '))
  const connection = await open(t, `redis://reeve:pw@127.0.0.1:${server.port}`)
  const text = "redis.call('TIME') redis.call('HSET', KEYS[1], 'a', 1) redis.call('ZADD', KEYS[2], 1, 'a') redis.call('PEXPIRE', KEYS[1], 1000) redis.call('PUBLISH', KEYS[1], 'x') return 'ok'"
  assert.equal(await connection.run({ name: 'all', lua: text, flags: [] }, ['reeve:{a}', 'reeve:{a}:queue'], []), 'ok')
  assert.equal((await connection.runDurably(COUNT, ['reeve:n'], [])).replicas, 0)
  await connection.subscribe(connection.wakeChannel, () => undefined)
  await connection.scan('reeve:*')
  assert.deepEqual(connection.status().warnings, [])
  await assert.rejects(connection.run(COUNT, ['other'], []), { code: 'COORDINATION_REFUSED', message: /needs the rights ~reeve:\* &reeve:\* \+@read/ })
  await assert.rejects(connection.subscribe('other', () => undefined), { code: 'COORDINATION_REFUSED', message: /needs the rights/ })
})

test('openRedis() warns of a policy that evicts, and refuses it when safety is strict', { skip }, async (t) => {
  const server = await serve(t, ['--maxmemory-policy', 'allkeys-lru'])
  const warned: string[] = []
  const log = { info: () => undefined, warn: (event: string) => warned.push(event) }
  const connection = await open(t, server.url, { log })
  assert.match(connection.status().warnings.join(), /allkeys-lru/)
  assert.ok(warned.includes('coordination.unsafe'))
  await assert.rejects(open(t, server.url, { safety: 'strict' }), { code: 'COORDINATION_UNSAFE', message: /durability is async.*min-replicas-to-write is 0.*allkeys-lru/ })
})

test('runDurably() counts the replicas that have it, and strict takes such a server', { skip }, async (t) => {
  const server = await serve(t, ['--min-replicas-to-write', '1', '--repl-diskless-sync-delay', '0'])
  const replica = await serve(t, ['--replicaof', '127.0.0.1', String(server.port)])
  await until('the replica follows', async () => (await server.command('INFO', 'replication')).includes('min_slaves_good_slaves:1'))
  const connection = await open(t, server.url, { safety: 'strict', durability: 'replica' })
  assert.deepEqual(await connection.runDurably(COUNT, ['reeve:n'], []), { reply: 1, replicas: 1 })
  assert.deepEqual(await connection.runDurably(COUNT, ['reeve:n'], []), { reply: 2, replicas: 1 })
  replica.signal('SIGSTOP')
  assert.deepEqual(await connection.runDurably(COUNT, ['reeve:n'], []), { reply: 3, replicas: 0 })
})

test('RedisConnection speaks TLS with a certificate of its own, and rejects an unknown authority at once', { skip }, async (t) => {
  const [tls, port] = [await TlsFixture.create(), await freePort()]
  t.after(() => tls.remove())
  await serve(t, tls.serverArgs(port))
  const connection = await open(t, `rediss://localhost:${port}?ca=${tls.cert}&cert=${tls.cert}&key=${tls.key}&family=4`)
  assert.equal(await connection.run(COUNT, ['reeve:n'], []), 1)
  const before = performance.now()
  await assert.rejects(open(t, `rediss://localhost:${port}?family=4`), { code: 'COORDINATION_UNAVAILABLE', message: /self-signed certificate/ })
  assert.ok(performance.now() - before < 3_000)
  await assert.rejects(open(t, `rediss://localhost:${port}?ca=/nowhere/ca.pem`), { code: 'COORDINATION_URL_INVALID', message: /Cannot read "\/nowhere\/ca.pem" as the ca/ })
})

test('RedisConnection in a Cluster reaches the keys of all slots, also of one that moved', { skip }, async (t) => {
  const cluster = await RedisCluster.start()
  t.after(() => cluster.stop())
  const connection = await open(t, cluster.url)
  assert.deepEqual([connection.epoch, connection.status().connected], [{ value: '', until: 0 }, true])
  const keys = Array.from({ length: 100 }, (_, index) => `reeve:{${index}}`)
  await until('every node is connected', () => Promise.all(keys.map((key) => connection.run(COUNT, [key], []))).then(() => true, () => false))
  assert.deepEqual([...await connection.scan('reeve:*')].sort(), keys.sort())
  assert.equal((await connection.commands(keys.map((key) => ['GET', key]))).length, 100)
  const [, second, third] = cluster.nodes
  assert.ok(second && third)
  await cluster.moveSlot(12_182, third, second) // Of foo.
  assert.equal(await connection.run(COUNT, ['foo'], []), 1)
  assert.equal(await second.command('GET', 'foo'), '1')
  assert.deepEqual(await connection.runDurably(COUNT, ['foo'], []), { reply: 2, replicas: 0 })
  await assert.rejects(open(t, cluster.url, { safety: 'strict' }), { code: 'COORDINATION_UNSAFE', message: /Cluster/ })
})
