import type { RedisScript } from '../port.js'
import { clock } from './clock.js'
import { GROUP } from './group.js'

/** Takes a member out. KEYS group, members, records, marks. ARGV member, retention. Answers 1, or 0 when it was not in. */
export const LEAVE_SCRIPT: RedisScript = {
  name: 'leave',
  flags: ['allow-oom'],
  lua: `${clock('ARGV[3]')}${GROUP}
local g = group(1)
if not remove(g, ARGV[1]) then return 0 end
changed(g, 1)
local last = redis.call('ZRANGE', g.members, -1, -1, 'WITHSCORES')[2] or 0
keep(g, math.max(0, last - now) + tonumber(ARGV[2]), 0)
return 1
`,
}
