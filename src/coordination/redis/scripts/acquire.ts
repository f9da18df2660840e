import type { RedisScript } from '../port.js'
import { clock } from './clock.js'
import { RESOURCE } from './resource.js'

/** In Cluster there is no KEYS[3]. */
const CHECK_EPOCH = `
if KEYS[3] and redis.call('GET', KEYS[3]) ~= ARGV[10] then return { -2 } end
local quarantine = tonumber(ARGV[11])
if quarantine > now then return { -1, quarantine - now } end
`

/** Numbers as text: `redis.call` takes three times as long to write one. */
const WRITE_HOLDER = (used: string, next: string): string => `local fenceText, expiresText = string.format('%.0f', fence), string.format('%.0f', expires)
  redis.call('HSET', KEYS[1], 'used', ${used}, 'capacity', ARGV[3], 'fence', fenceText, 'next', ${next}, 'holder:' .. id,
    '{"expires":' .. expiresText .. ',"fence":' .. fenceText .. ',"weight":' .. ARGV[2] .. ',"delay":' .. ARGV[5] .. ',"since":' .. string.format('%.0f', now) .. ARGV[7])`

/**
 * What nobody holds or waits for is granted before the rest of the script is so much
 * as set up: that is most calls, and half of the script's time. Nobody to wake, nobody
 * to look through, and no time of the key to be kept.
 */
const GRANT_AT_ONCE = `
local f = redis.call('HMGET', KEYS[1], 'used', 'queued', 'closed', 'fence')
local idle = (f[1] or '0') == '0' and (f[2] or '0') == '0' and tonumber(f[3] or 0) <= now
if idle and not string.find(KEYS[1], '{leader:', 1, true) then
  ${CHECK_EPOCH}
  local fence, expires = math.max(tonumber(f[4] or 0) + 1, us), now + ttl
  ${WRITE_HOLDER('ARGV[2]', 'expiresText')}
  redis.call('PEXPIRE', KEYS[1], ttl + delay + ARGV[9])
  return { 1, fence, ttl, 0 }
end
`

/**
 * Grants, queues or refreshes; a lease that `id` holds already is answered again first of all.
 *
 * KEYS resource, queue, epoch (not in Cluster).
 * ARGV id, weight, capacity, ttl, lock delay, wait, rest of the record (`,"host":…}` or `}`), wake channel, retention, epoch, end of the quarantine.
 * Answers `{1, fence, leftMs, replayed}`, `{0, position, queued, retryMs}`, `{-1, leftMs}` in
 * quarantine, `{-2}` when the epoch is another, `{-3, capacity}` on a mismatch.
 */
export const ACQUIRE_SCRIPT: RedisScript = {
  name: 'acquire',
  flags: [],
  lua: `${clock('ARGV[12]')}
local id, weight, capacity, ttl, delay = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
${GRANT_AT_ONCE}${RESOURCE}
local r = open(KEYS[1], KEYS[2], id)

local function grant()
  local fence, expires = math.max(r.fence + 1, us), now + ttl
  local next = r.used == 0 and expires or math.min(r.next, expires)
  r.used = r.used + weight
  r.capacity = capacity
  ${WRITE_HOLDER('r.used', 'next')}
  if r.head == id then forget(r, id) end
  keep(r, ttl + delay + tonumber(ARGV[9]))
  wake(r, 1)
  announce(r.key)
  return { 1, fence, ttl, 0 }
end

local function enqueue(wait)
  if not redis.call('ZSCORE', r.queue, id) then
    redis.call('ZADD', r.queue, redis.call('HINCRBY', r.key, 'ticket', 1), id)
    r.queued = r.queued + 1
    r.capacity = capacity
  end
  redis.call('HSET', r.key, 'queued', r.queued, 'capacity', ARGV[3], 'waiter:' .. id, text(now + wait) .. ' ' .. ARGV[2] .. ' ' .. ARGV[8])
  keep(r, wait + tonumber(ARGV[9]))
end

-- Until the first thing in the way ends: a lease or the lock delay, or, when it is the queue alone, the patience of its head.
local function obstacle()
  local ends = r.used > 0 and r.next or nil
  if r.closed > now then ends = math.min(ends or r.closed, r.closed) end
  if not ends then ends = waiter(r, redis.call('ZRANGE', r.queue, 0, 0)[1] or '') end
  return math.max(1, ends - now)
end

local expires, fence = held(r)
if expires then return { 1, fence, expires - now, 1 } end
${CHECK_EPOCH}
settle(r)
if (r.used > 0 or r.queued > 0) and r.capacity ~= capacity then
  finish(r)
  return { -3, r.capacity }
end
if now >= r.closed and r.used + weight <= capacity and (r.queued == 0 or r.head == id) then return grant() end

local wait = tonumber(ARGV[6])
if wait > 0 then enqueue(wait) end
finish(r)
return { 0, wait > 0 and redis.call('ZRANK', r.queue, id) or -1, r.queued, obstacle() }
`,
}
