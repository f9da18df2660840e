import type { RedisScript } from '../port.js'
import { clock } from './clock.js'
import { GROUP } from './group.js'

/**
 * Deletes a group in which nobody is alive or kept. KEYS group, members, records, marks.
 * Answers 1 deleted, 0 missing, -1 not empty.
 */
export const DELETE_GROUP_SCRIPT: RedisScript = {
  name: 'delete-group',
  flags: ['allow-oom'],
  lua: `${clock('ARGV[1]')}${GROUP}
local g = group(1)
if redis.call('EXISTS', g.key) == 0 then return 0 end
local kept = redis.call('ZCOUNT', g.members, '-inf', '(0')
local alive = redis.call('ZCOUNT', g.members, string.format('(%.0f', now), '+inf')
if kept + alive > 0 then return -1 end
changed(g, 1)
redis.call('DEL', g.key, g.members, g.records, g.marks)
return 1
`,
}
