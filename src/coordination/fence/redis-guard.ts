import { messageOf } from '../../base/errors.js'
import { fenceText, parseFence, staleFence } from './fence.js'
import type { FenceStore } from './fence-store.js'

/**
 * Fenced writes to Redis: the fence is kept beside the value, and one script
 * compares it, raises it and writes.
 *
 * Guaranteed as far as that Redis keeps what it acknowledged: one that fails over
 * to a replica which lags behind forgets the newest fences with the newest values.
 * Let no guarded key expire, or be evicted, while an old holder may still write.
 */

/** What a client of Redis must have: the shape of ioredis. */
export interface RedisEvaluator {
  eval(script: string, keyCount: number, ...keysAndArgs: (string | Buffer | number)[]): Promise<unknown>
}

export interface GuardedWork {
  /** The key that holds the newest fence as text. In Cluster in the slot of `keys`: `{volume-7}:fence`. */
  readonly fenceKey: string
  readonly fence: bigint
  /** Lua, done when the fence is not stale. It sees `keys` as KEYS and `args` as ARGV; what it returns is the result. */
  readonly lua: string
  readonly keys?: readonly string[]
  readonly args?: readonly (string | Buffer | number)[]
}

/** Fences are below 2^53: a Lua number compares them exactly. */
const COMPARE = `
local function refuses(newest, fence)
  return newest and tonumber(newest) > tonumber(fence)
end
local function stale(newest)
  return redis.error_reply('FENCE_STALE ' .. newest)
end`

const SET = `${COMPARE}
local newest = redis.call('HGET', KEYS[1], 'fence')
if refuses(newest, ARGV[1]) then return stale(newest) end
redis.call('HSET', KEYS[1], 'fence', ARGV[1], 'value', ARGV[2])
return 1`

/**
 * Writes `value` into the hash `key`: fields `value` and `fence`. Read it with
 * `HGET key value`. The same fence may write any number of times.
 *
 * @throws CodedError FENCE_STALE when the key has seen a newer fence; else what the client throws
 */
export async function guardedSet(client: RedisEvaluator, key: string, fence: bigint, value: string | Buffer): Promise<void> {
  await evaluate(key, fence, () => client.eval(SET, 1, key, fenceText(fence), value))
}

/**
 * Does `lua` in the same script that compares and raises the fence: for a value
 * that is more than one text, or many keys.
 *
 * ```ts
 * await guardedEval(redis, { fenceKey: '{v7}:fence', fence: held.fence, lua: "return redis.call('RPUSH', KEYS[1], ARGV[1])", keys: ['{v7}:log'], args: ['grown'] })
 * ```
 *
 * The fence stays raised when `lua` itself fails.
 *
 * @throws CodedError FENCE_STALE when `fenceKey` has seen a newer fence; else what the client throws
 */
export async function guardedEval(client: RedisEvaluator, { fenceKey, fence, lua, keys = [], args = [] }: GuardedWork): Promise<unknown> {
  return await evaluate(fenceKey, fence, () => client.eval(guardScript(lua), keys.length + 1, fenceKey, ...keys, fenceText(fence), ...args))
}

/** Fences kept in Redis, at keys `PREFIX + resource`: for an HTTP guard of several processes. */
export function redisFenceStore(client: RedisEvaluator, prefix = 'fence:'): FenceStore {
  return {
    async raise(resource, fence) {
      const newest = await client.eval(RAISE, 1, `${prefix}${resource}`, fenceText(fence))
      return parseFence(String(newest)) ?? fence
    },
  }
}

const RAISE = `${COMPARE}
local newest = redis.call('GET', KEYS[1])
if refuses(newest, ARGV[1]) then return newest end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]`

/** The same text for the same work, so that the server compiles it once. */
function guardScript(lua: string): string {
  return `${COMPARE}
local function work(KEYS, ARGV)
${lua}
end
local newest = redis.call('GET', KEYS[1])
if refuses(newest, ARGV[1]) then return stale(newest) end
redis.call('SET', KEYS[1], ARGV[1])
table.remove(KEYS, 1)
table.remove(ARGV, 1)
return work(KEYS, ARGV)`
}

const STALE = /^FENCE_STALE (?<newest>[0-9]+)/

async function evaluate(resource: string, fence: bigint, work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work()
  } catch (error) {
    const newest = STALE.exec(messageOf(error))?.groups?.['newest']
    throw newest === undefined ? error : staleFence(resource, fence, parseFence(newest))
  }
}
