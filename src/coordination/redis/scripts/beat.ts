import type { RedisScript } from '../port.js'
import { clock } from './clock.js'
import { GROUP } from './group.js'

/**
 * Joins, or goes on being, in as many groups as are given (in Cluster: of one slot),
 * and drops members that did not. When nobody has beaten for more than half a ttl it was
 * not they who were away: for one ttl nobody is dropped.
 *
 * KEYS group, members, records, marks of each. ARGV retention, then member, ttl, record ('' as it was), keep ('1' or '') of each.
 * Answers `{version, joined, holding}` of each.
 */
export const BEAT_SCRIPT: RedisScript = {
  name: 'beat',
  flags: ['allow-oom'],
  lua: `${clock('ARGV[#KEYS + 2]')}${GROUP}
local REAPS = 64
local retention = tonumber(ARGV[1])

local function reap(g)
  local dead = redis.call('ZRANGEBYSCORE', g.members, 0, now, 'LIMIT', 0, REAPS)
  for _, member in ipairs(dead) do remove(g, member) end
  return #dead
end

-- Writes the member down until 'ends'. Whether it is new, and whether there is anything new about it.
local function put(g, member, ends, record)
  local known = string.match(redis.call('HGET', g.records, member) or '', '^%S+ (.*)$')
  if record == '' then record = known or '{}' end
  redis.call('ZADD', g.members, ends, member)
  redis.call('HSET', g.records, member, string.format('%.0f ', ends) .. record)
  return not known, record ~= known
end

local function beat(g, member, ttl, record, kept)
  local f = redis.call('HMGET', g.key, 'version', 'beat', 'hold')
  local version, last, hold = tonumber(f[1] or 0), tonumber(f[2] or 0), tonumber(f[3] or 0)
  if last > 0 and now - last > ttl / 2 and redis.call('EXISTS', g.members) == 1 then hold = math.max(hold, now + ttl) end
  local joined, news = put(g, member, kept and -(now + ttl) or now + ttl, record)
  redis.call('HSET', g.key, 'beat', now, 'hold', hold)
  local changes = news and 1 or 0
  if now >= hold then changes = changes + reap(g) end
  if changes > 0 then version = changed(g, changes) end
  keep(g, ttl + retention, joined and 0 or retention / 2)
  return { version, joined and 1 or 0, now < hold and 1 or 0 }
end

local answers = {}
for i = 1, #KEYS / 4 do
  local a = 4 * i - 2
  answers[i] = beat(group(4 * i - 3), ARGV[a], tonumber(ARGV[a + 1]), ARGV[a + 2], ARGV[a + 3] == '1')
end
return answers
`,
}
