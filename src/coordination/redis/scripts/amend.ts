import type { RedisScript } from '../port.js'
import { clock } from './clock.js'
import { RESOURCE } from './resource.js'

/** Replaces what a holder tells of itself. KEYS resource, queue. ARGV id, rest of the record. Answers 1, or 0 when it holds nothing. */
export const AMEND_SCRIPT: RedisScript = {
  name: 'amend',
  flags: ['allow-oom'],
  lua: `${clock('ARGV[3]')}${RESOURCE}
local r = open(KEYS[1], KEYS[2], ARGV[1])
if not held(r) then return 0 end
local fixed = string.match(r.holder, '^{"expires":%d+,"fence":%d+,"weight":%d+,"delay":%d+,"since":%d+')
redis.call('HSET', r.key, 'holder:' .. ARGV[1], fixed .. ARGV[2])
announce(r.key)
return 1
`,
}
