import type { Epoch, RedisScript } from '../port.js'
import { clock } from './clock.js'

/**
 * Notes which server this is. A run id that is not the noted one begins an epoch, and
 * with it a quarantine; a longer quarantine that is asked for later is counted from
 * the moment at which the epoch began.
 *
 * KEYS epoch. ARGV run id, quarantine in ms. Answers the text of the key, for `parseEpochReply`.
 * Allowed when memory is short: else no lease could be extended after a failover.
 */
export const EPOCH_SCRIPT: RedisScript = {
  name: 'epoch',
  flags: ['allow-oom'],
  lua: `${clock('ARGV[3]')}
local run, quarantine = ARGV[1], tonumber(ARGV[2])
local value = redis.call('GET', KEYS[1]) or ''
local known, ends, began = string.match(value, '^(%S+) (%d+) (%d+)$')
local later
if known ~= run then
  began = now
  later = quarantine > 0 and now + quarantine or 0
else
  later = tonumber(began) + quarantine
  if ends == '0' or later <= tonumber(ends) or later <= now then return value end
end
value = string.format('%s %.0f %.0f', run, later, began)
redis.call('SET', KEYS[1], value)
return value
`,
}

/** What EPOCH_SCRIPT answered. */
export function parseEpochReply(reply: unknown): Epoch {
  const value = String(reply)
  return { value, until: Number(value.split(' ')[1]) }
}
