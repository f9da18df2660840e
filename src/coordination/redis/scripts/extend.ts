import type { RedisScript } from '../port.js'
import { clock } from './clock.js'
import { RESOURCE } from './resource.js'

/**
 * Lengthens leases and looks at nothing else, of as many resources as are given (in Cluster: of one slot).
 *
 * KEYS resource, queue of each. ARGV retention, then id, ttl of each.
 * Answers what is left of each; 0: gone.
 */
export const EXTEND_SCRIPT: RedisScript = {
  name: 'extend',
  flags: ['allow-oom'],
  lua: `${clock('ARGV[#KEYS + 2]')}${RESOURCE}
local retention = tonumber(ARGV[1])

local function extend(key, queue, id, ttl)
  local r = open(key, queue, id)
  local expires, _, weight, delay = held(r)
  if not expires then return 0 end
  local later = now + ttl
  if later <= expires then return expires - now end
  local changes = { 'holder:' .. id, '{"expires":' .. text(later) .. string.match(r.holder, '^{"expires":%d+(.*)$') }
  if r.used == weight then
    changes[3], changes[4] = 'next', later
  end
  redis.call('HSET', key, unpack(changes))
  keep(r, ttl + delay + retention)
  return ttl
end

local left = {}
for i = 1, #KEYS / 2 do
  left[i] = extend(KEYS[2 * i - 1], KEYS[2 * i], ARGV[2 * i], tonumber(ARGV[2 * i + 1]))
end
return left
`,
}
