import type { RedisScript } from '../port.js'
import { clock } from './clock.js'
import { RESOURCE } from './resource.js'

/**
 * Ends every lease and closes the resource for a while; where there is none it does neither.
 *
 * KEYS resource, queue. ARGV by, lock delay, retention.
 * Answers `{now, id, record, id, record, …}` of those whose lease had not ended.
 */
export const FORCE_RELEASE_SCRIPT: RedisScript = {
  name: 'force-release',
  flags: ['allow-oom'],
  lua: `${clock('ARGV[4]')}${RESOURCE}
local delay = tonumber(ARGV[2])
local r = open(KEYS[1], KEYS[2], '')
settle(r)
local ended = { text(now) }
local fields = r.used > 0 and redis.call('HGETALL', r.key) or {}
for i = 1, #fields, 2 do
  if string.sub(fields[i], 1, 7) == 'holder:' then
    redis.call('HDEL', r.key, fields[i])
    if parse(fields[i + 1]) > now then
      ended[#ended + 1] = string.sub(fields[i], 8)
      ended[#ended + 1] = fields[i + 1]
    end
  end
end
if #ended == 1 then
  finish(r)
  return ended
end
r.used = 0
if delay > 0 then r.closed = math.max(r.closed, now + delay) end
redis.call('HSET', r.key, 'used', 0, 'closed', r.closed, 'last', 'forced by ' .. ARGV[1] .. ' at ' .. text(now))
keep(r, delay + tonumber(ARGV[3]))
announce(r.key)
wake(r, WAKES)
return ended
`,
}
