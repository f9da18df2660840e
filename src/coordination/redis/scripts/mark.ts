import type { RedisScript } from '../port.js'
import { GROUP } from './group.js'

/**
 * Writes, or with '' takes away, what an operator says of a member.
 * KEYS group, members, records, marks. ARGV member, mark. Answers 1, or 0 when there is no such member.
 */
export const MARK_SCRIPT: RedisScript = {
  name: 'mark',
  flags: [],
  lua: `${GROUP}
local g, member, mark = group(1), ARGV[1], ARGV[2]
if not redis.call('ZSCORE', g.members, member) then return 0 end
if (redis.call('HGET', g.marks, member) or '') == mark then return 1 end
if mark == '' then
  redis.call('HDEL', g.marks, member)
else
  redis.call('HSET', g.marks, member, mark)
  local left = redis.call('PTTL', g.key)
  if left > 0 then redis.call('PEXPIRE', g.marks, left) end
end
changed(g, 1)
return 1
`,
}
