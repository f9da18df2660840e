import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Redis } from 'ioredis'
import { createFenceGuard } from '#src/coordination/fence/http-guard.js'
import { guardedEval, guardedSet, redisFenceStore } from '#src/coordination/fence/redis-guard.js'
import { notRun } from '../support/not-run.js'
import { RedisServer } from '../support/redis.js'

const missing = await RedisServer.available()
const skip = missing !== undefined && notRun('fence guards in Redis', missing)
const NEWEST = 2n ** 53n - 1n

let server: RedisServer
let redis: Redis

before(async () => {
  if (skip !== false) return
  server = await RedisServer.start()
  redis = new Redis(server.url)
})

after(async () => {
  redis?.disconnect()
  await server?.stop()
})

test('guardedSet() writes value and fence, and refuses an older fence', { skip }, async () => {
  await guardedSet(redis, 'set', 9n, 'by 9')
  await guardedSet(redis, 'set', 10n, 'by 10')
  await guardedSet(redis, 'set', 10n, 'by 10 again')
  await assert.rejects(guardedSet(redis, 'set', 9n, 'late'), { code: 'FENCE_STALE', message: 'Cannot write "set" as it has seen a newer fence (10): 9', details: { resource: 'set', fence: '9', newest: '10' } })
  assert.deepEqual(await redis.hgetall('set'), { value: 'by 10 again', fence: '10' })
})

test('guardedSet() compares the largest fences exactly, and keeps bytes as they are', { skip }, async () => {
  const bytes = Buffer.from([0, 255, 10, 128])
  await guardedSet(redis, 'large', NEWEST - 1n, 'x')
  await guardedSet(redis, 'large', NEWEST, bytes)
  await assert.rejects(guardedSet(redis, 'large', NEWEST - 1n, 'late'), { code: 'FENCE_STALE' })
  assert.deepEqual(await redis.hgetBuffer('large', 'value'), bytes)
  assert.equal(await redis.hget('large', 'fence'), '9007199254740991')
})

test('guardedSet() passes on what the server says otherwise, and checks the fence', { skip }, async () => {
  await redis.set('text', 'x')
  await assert.rejects(guardedSet(redis, 'text', 1n, 'y'), /WRONGTYPE/)
  await assert.rejects(guardedSet(redis, 'set', NEWEST + 1n, 'y'), RangeError)
})

test('guardedSet() of many writers at once ends with the newest', { skip }, async () => {
  const fences = Array.from({ length: 200 }, (_, index) => BigInt(index * 7_919 % 200 + 1))
  const outcomes = await Promise.allSettled(fences.map((fence) => guardedSet(redis, 'many', fence, `by ${fence}`)))
  assert.deepEqual(await redis.hgetall('many'), { value: 'by 200', fence: '200' })
  let newest = 0n
  for (const [index, { status }] of outcomes.entries()) {
    const fence = fences[index] ?? 0n
    assert.equal(status, fence >= newest ? 'fulfilled' : 'rejected')
    if (fence > newest) newest = fence
  }
})

test('guardedEval() does its work under the fence, with its own keys and arguments', { skip }, async () => {
  const push = (fence: bigint, ...items: string[]): Promise<unknown> => guardedEval(redis, {
    fenceKey: '{v7}:fence', fence, lua: "redis.call('RPUSH', KEYS[1], unpack(ARGV))\nreturn {#KEYS, #ARGV, ARGV[1]}", keys: ['{v7}:log'], args: items,
  })
  assert.deepEqual(await push(20n, 'a', 'b'), [1, 2, 'a'])
  await assert.rejects(push(19n, 'late'), { code: 'FENCE_STALE', details: { resource: '{v7}:fence', fence: '19', newest: '20' } })
  assert.deepEqual(await push(21n, 'c'), [1, 1, 'c'])
  assert.deepEqual(await redis.lrange('{v7}:log', 0, -1), ['a', 'b', 'c'])
  assert.equal(await redis.get('{v7}:fence'), '21')
})

test('guardedEval() gives the error of its work, and leaves the fence raised', { skip }, async () => {
  await assert.rejects(guardedEval(redis, { fenceKey: 'failing', fence: 5n, lua: "return redis.error_reply('NO')" }), /NO/)
  await assert.rejects(guardedEval(redis, { fenceKey: 'failing', fence: 4n, lua: 'return 1' }), { code: 'FENCE_STALE' })
})

test('redisFenceStore() keeps the fences of an HTTP guard for all processes', { skip }, async () => {
  const [first, second] = [createFenceGuard({ store: redisFenceStore(redis) }), createFenceGuard({ store: redisFenceStore(redis) })]
  assert.equal((await first.check('/v7', '8')).allowed, true)
  assert.equal((await second.check('/v7', '7')).allowed, false)
  assert.deepEqual(await second.check('/v7', '8'), { allowed: true, fence: 8n })
  assert.equal(await redis.get('fence:/v7'), '8')
})
