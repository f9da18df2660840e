import type { RedisScript } from '../port.js'
import { clock } from './clock.js'

/**
 * Everything about as many resources as are given (in Cluster: of one slot).
 *
 * KEYS resource, queue of each. Answers `{now, {field, value, …}, {waiting id, …}, …}`.
 */
export const READ_RESOURCE_SCRIPT: RedisScript = {
  name: 'read-resource',
  flags: ['no-writes'],
  lua: `${clock('ARGV[1]')}
local answer = { now }
for i = 1, #KEYS, 2 do
  answer[i + 1] = redis.call('HGETALL', KEYS[i])
  answer[i + 2] = redis.call('ZRANGE', KEYS[i + 1], 0, -1)
end
return answer
`,
}
