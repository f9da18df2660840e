/**
 * What the scripts of groups share: the four keys of the group at `first` of KEYS, and
 * what changes with every change of it.
 *
 * A member's score is the end of its ttl; of one that is kept, the same with a minus:
 * so those who may be dropped are one range of scores, however many are kept.
 */
export const GROUP = `
local function group(first)
  return { key = KEYS[first], members = KEYS[first + 1], records = KEYS[first + 2], marks = KEYS[first + 3] }
end

-- Called once by a script, however much it has changed: the version grows by 'changes'.
local function changed(g, changes)
  local prefix, topic = string.match(g.key, '^([^{]*){(group:.*)}$')
  redis.call('PUBLISH', prefix .. topic, '')
  return redis.call('HINCRBY', g.key, 'version', changes)
end

local function remove(g, member)
  redis.call('HDEL', g.records, member)
  redis.call('HDEL', g.marks, member)
  return redis.call('ZREM', g.members, member) == 1
end

-- The keys live for 'ms' at least, and for ever while somebody is kept. Within 'slack' nothing is written.
local function keep(g, ms, slack)
  local left = redis.call('PTTL', g.key)
  local kept = redis.call('ZCOUNT', g.members, '-inf', '(0') > 0
  if kept and left < 0 or not kept and left >= ms - slack then return end
  for _, key in pairs({ g.key, g.members, g.records, g.marks }) do
    if kept then redis.call('PERSIST', key) else redis.call('PEXPIRE', key, ms) end
  end
end
`
