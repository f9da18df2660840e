import type { RedisScript } from '../port.js'
import { clock } from './clock.js'
import { RESOURCE } from './resource.js'

/** The only holder, for whom nobody waits, ends in order: most calls. See acquire. */
const RELEASE_AT_ONCE = `
if ARGV[2] == '' and to == '' and not string.find(KEYS[1], '{leader:', 1, true) then
  local f = redis.call('HMGET', KEYS[1], 'used', 'queued', 'holder:' .. id)
  if f[3] and (f[2] or '0') == '0' then
    local expires, weight = string.match(f[3], '^{"expires":(%d+),"fence":%d+,"weight":(%d+)')
    if weight == f[1] and tonumber(expires) > now then
      redis.call('HDEL', KEYS[1], 'holder:' .. id)
      redis.call('HSET', KEYS[1], 'used', 0)
      return 1
    end
  end
end
`

/**
 * Gives back, or leaves the queue.
 *
 * KEYS resource, queue. ARGV id, unclean ('1' or ''), to, onlyTo ('1' or '').
 * Answers 0 gone, 1 released, 2 left, 3 kept.
 */
export const RELEASE_SCRIPT: RedisScript = {
  name: 'release',
  flags: ['allow-oom'],
  lua: `${clock('ARGV[5]')}
local id, to = ARGV[1], ARGV[3]
${RELEASE_AT_ONCE}${RESOURCE}
local r = open(KEYS[1], KEYS[2], id)

-- The oldest request in the queue that is a member's: its id begins with the member and the last '#'.
local function oldest(member)
  if r.queued <= 0 then return end
  local start = member .. '#'
  for _, waiting in ipairs(redis.call('ZRANGE', r.queue, 0, -1)) do
    local own = string.sub(waiting, 1, #start) == start and not string.find(waiting, '#', #start + 1, true)
    if own and waiter(r, waiting) > now then return waiting end
  end
end

local function promote(waiting)
  local first = redis.call('ZRANGE', r.queue, 0, 0, 'WITHSCORES')
  if first[1] ~= waiting then redis.call('ZADD', r.queue, first[2] - 1, waiting) end
  r.head = nil
end

-- The lease of this very id ends; without 'clean' its lock delay begins.
local function giveBack(weight, fence, delay, clean)
  r.used = r.used - weight
  redis.call('HDEL', r.key, 'holder:' .. id)
  redis.call('HSET', r.key, 'used', r.used)
  r.changed = true
  if clean then return end
  if delay > 0 then r.closed = math.max(r.closed, now + delay) end
  redis.call('HSET', r.key, 'closed', r.closed, 'last', 'died ' .. id .. ' fence ' .. text(fence) .. ' at ' .. text(now))
end

local expires, fence, weight, delay = held(r)
local heir = expires and to ~= '' and oldest(to)
if expires and ARGV[4] == '1' and not heir then return 3 end
if heir then promote(heir) end

local answer = 0
if expires then
  giveBack(weight, fence, delay, ARGV[2] ~= '1')
  answer = 1
elseif r.queued > 0 and redis.call('ZSCORE', r.queue, id) then
  forget(r, id)
  r.dropped = true
  answer = 2
end
settle(r)
finish(r)
return answer
`,
}
