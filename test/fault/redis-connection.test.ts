import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { parseCoordinationUrl } from '#src/coordination/url.js'
import { openRedis, type RedisConnection, type RedisConnectionOptions } from '#src/coordination/redis/connection.js'
import type { RedisScript } from '#src/coordination/redis/port.js'
import { until } from '../support/processes.js'
import { RedisServer } from '../support/redis.js'
import { RedisCluster, SentinelTrio, withoutRedis } from '../support/redis-topologies.js'
import { TcpProxy } from '../support/tcp-proxy.js'

const skip = await withoutRedis('RedisConnection under faults')
const COUNT: RedisScript = { name: 'count', lua: "return redis.call('INCR', KEYS[1])", flags: [] }
const MAX_TTL_MS = 1_000

async function open(t: TestContext, url: string, options: Partial<RedisConnectionOptions> = {}): Promise<RedisConnection> {
  const target = parseCoordinationUrl(url)
  assert.equal(target.driver, 'redis')
  const connection = await openRedis(target, { memberId: 'h1/test', maxTtlMs: MAX_TTL_MS, commandTimeoutMs: 500, safety: 'efficient', durability: 'async', ...options })
  t.after(() => connection.close())
  return connection
}

async function withServer(t: TestContext, args: readonly string[] = []): Promise<{ server: RedisServer; proxy: TcpProxy; url: string }> {
  const server = await RedisServer.start(args)
  t.after(() => server.stop())
  const proxy = await TcpProxy.start(server.port)
  t.after(() => proxy.stop())
  return { server, proxy, url: `redis://127.0.0.1:${proxy.port}` }
}

const works = (connection: RedisConnection): Promise<unknown> => until('the connection works', () => connection.status().connected && connection.run(COUNT, ['reeve:works'], []).then(() => true, () => false))

test('run() whose reply is lost rejects within its deadline and is not sent again', { skip }, async (t) => {
  const { server, proxy, url } = await withServer(t)
  const connection = await open(t, url)
  assert.equal(await connection.run(COUNT, ['reeve:n'], []), 1)
  proxy.dropReplies()
  const before = performance.now()
  await assert.rejects(connection.run(COUNT, ['reeve:n'], []), { code: 'COORDINATION_UNAVAILABLE' })
  assert.ok(performance.now() - before < 2_000)
  proxy.pass()
  proxy.cut()
  await works(connection)
  assert.equal(await server.command('GET', 'reeve:n'), '2')
})

test('run() rejects at once while the server is down, and works when it is back', { skip }, async (t) => {
  const { proxy, url } = await withServer(t)
  const connection = await open(t, url)
  proxy.refuse()
  proxy.cut()
  await until('it has noticed', () => !connection.status().connected)
  assert.equal(connection.epoch, undefined)
  const before = performance.now()
  await assert.rejects(connection.run(COUNT, ['reeve:n'], []), { code: 'COORDINATION_UNAVAILABLE', message: /Cannot run "count" as redis:\/\/127\.0\.0\.1:\d+\/0 is not available/ })
  await assert.rejects(connection.subscribe('reeve:c', () => undefined), { code: 'COORDINATION_UNAVAILABLE' })
  await assert.rejects(connection.verifyEpoch(), { code: 'COORDINATION_UNAVAILABLE' })
  assert.ok(performance.now() - before < 250)
  proxy.pass()
  await works(connection)
  assert.notEqual(connection.epoch, undefined)
})

test('run() through a black hole rejects within its deadline; the connection is given up and made anew', { skip }, async (t) => {
  const { proxy, url } = await withServer(t)
  const connection = await open(t, url)
  let gaps = 0
  connection.onGap(() => gaps++)
  proxy.blackhole()
  const before = performance.now()
  await assert.rejects(connection.run(COUNT, ['reeve:n'], []), { code: 'COORDINATION_UNAVAILABLE' })
  assert.ok(performance.now() - before < 2_000)
  await until('the half-open connections are given up', () => !connection.status().connected)
  proxy.pass()
  await works(connection)
  await until('the gap is told', () => gaps > 0)
})

test('subscribe() works again after CLIENT KILL, and onGap() tells of it', { skip }, async (t) => {
  const { server, url } = await withServer(t)
  const connection = await open(t, url)
  const heard: string[] = []
  const leave = await connection.subscribe('reeve:c', (message) => heard.push(message))
  for (const type of ['pubsub', 'normal']) {
    const gap = new Promise<void>((resolve) => connection.onGap(resolve))
    await server.command('CLIENT', 'KILL', 'TYPE', type)
    if (type === 'pubsub') await gap
    await works(connection)
    assert.equal(await server.command('PUBLISH', 'reeve:c', type), '1')
    await until('the message is there', () => heard.includes(type))
  }
  leave()
  await until('it is unsubscribed', async () => await server.command('PUBLISH', 'reeve:c', 'late') === '0')
})

test('run() rejects with COORDINATION_UNAVAILABLE when the master became a replica', { skip }, async (t) => {
  const { server, url } = await withServer(t)
  const connection = await open(t, url)
  await server.command('REPLICAOF', '127.0.0.1', '1')
  await assert.rejects(connection.run(COUNT, ['reeve:n'], []), { code: 'COORDINATION_UNAVAILABLE', message: /READONLY/ })
  await until('the gate is closed', () => connection.epoch === undefined)
  await server.command('REPLICAOF', 'NO', 'ONE')
  await works(connection)
})

test('epoch changes with a quarantine when the server was restarted empty', { skip }, async (t) => {
  const { server, url } = await withServer(t)
  const connection = await open(t, url)
  const before = connection.epoch
  await server.restart()
  await works(connection)
  assert.notEqual(connection.epoch?.value, before?.value)
  const [seconds = 0] = (await server.command('TIME')).split('\n').map(Number)
  assert.ok((connection.epoch?.until ?? 0) > (seconds - MAX_TTL_MS / 1_000) * 1_000)
})

test('epoch stays when a server that writes through was restarted', { skip }, async (t) => {
  const { server, url } = await withServer(t, ['--appendonly', 'yes', '--appendfsync', 'always'])
  const connection = await open(t, url)
  await server.restart()
  await works(connection)
  assert.equal(connection.epoch?.until, 0)
})

test('verifyEpoch() begins a quarantine after FLUSHALL, also for a client that comes first', { skip }, async (t) => {
  const { server, url } = await withServer(t)
  const connection = await open(t, url, { maxTtlMs: 60_000 })
  await server.command('FLUSHALL')
  assert.equal(await server.command('EXISTS', 'reeve:epoch'), '0')
  const newcomer = await open(t, url, { maxTtlMs: 60_000 })
  assert.ok((newcomer.epoch?.until ?? 0) > Date.now() + 50_000)
  await connection.verifyEpoch()
  assert.deepEqual(connection.epoch, newcomer.epoch)
})

test('RedisConnection follows a Sentinel failover and quarantines the new master', { skip }, async (t) => {
  const trio = await SentinelTrio.start()
  t.after(() => trio.stop())
  const connection = await open(t, trio.url, { commandTimeoutMs: 1_000 })
  const heard: string[] = []
  await connection.subscribe('reeve:c', (message) => heard.push(message))
  const before = connection.epoch
  await trio.master.kill()
  await trio.promoted()
  await works(connection)
  assert.notEqual(connection.epoch?.value, before?.value)
  assert.ok((connection.epoch?.until ?? 0) > 0)
  await until('messages of the new master are heard', async () => {
    await trio.replica.command('PUBLISH', 'reeve:c', 'hello')
    return heard.includes('hello')
  })
})

test('RedisConnection leaves a master that stands still for the promoted one', { skip }, async (t) => {
  const trio = await SentinelTrio.start()
  t.after(() => trio.stop())
  const connection = await open(t, trio.url, { commandTimeoutMs: 1_000 })
  const before = connection.epoch
  trio.master.signal('SIGSTOP')
  await trio.promoted()
  await until('the new master is verified', () => connection.epoch !== undefined && connection.epoch.value !== before?.value)
  await works(connection)
  trio.master.signal('SIGCONT')
})

test('RedisConnection in a Cluster runs on the other nodes while one is down, and its messages survive', { skip }, async (t) => {
  const cluster = await RedisCluster.start()
  t.after(() => cluster.stop())
  const connection = await open(t, cluster.url)
  const heard: string[] = []
  await connection.subscribe('reeve:c', (message) => heard.push(message))
  const [first, second, third] = cluster.nodes
  await third?.kill()
  await until('messages are heard', async () => {
    await first?.command('PUBLISH', 'reeve:c', 'hello')
    return heard.includes('hello')
  })
  assert.ok(second)
  // foo is in slot 12182, of the third node; bar in 5061, of the first.
  await assert.rejects(connection.run(COUNT, ['foo'], []), { code: 'COORDINATION_UNAVAILABLE' })
  await until('the others serve', () => connection.run(COUNT, ['bar'], []).then(() => true, () => false))
  await third?.restart()
  await until('all serve', () => connection.run(COUNT, ['foo'], []).then(() => true, () => false))
})
