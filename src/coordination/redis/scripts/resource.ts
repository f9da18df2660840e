/**
 * What the scripts of leases share. A resource is opened with one HMGET and is from
 * then on a table `r`; what changes in it is written at once, so that a script may
 * answer at any point.
 *
 * `next` is a lower bound of the earliest end of a lease: the holders are looked
 * through only when it has passed. `queued` spares those whom nobody is waiting
 * behind a look at the queue. That leaves an uncontended lock with one key.
 */
export const RESOURCE = `
local PURGES = 128
local WAKES = 32

local function text(number) return string.format('%.0f', number) end

local function open(key, queue, id)
  local f = redis.call('HMGET', key, 'used', 'capacity', 'fence', 'next', 'closed', 'queued', 'holder:' .. id)
  return {
    key = key, queue = queue, used = tonumber(f[1] or 0), capacity = tonumber(f[2] or 0), fence = tonumber(f[3] or 0),
    next = tonumber(f[4] or 0), closed = tonumber(f[5] or 0), queued = tonumber(f[6] or 0), holder = f[7],
  }
end

-- expires, fence, weight, delay of a holder's record
local function parse(record)
  local expires, fence, weight, delay = string.match(record, '^{"expires":(%d+),"fence":(%d+),"weight":(%d+),"delay":(%d+)')
  return tonumber(expires), tonumber(fence), tonumber(weight), tonumber(delay)
end

-- The same of the request that the resource was opened for, while its lease lasts.
local function held(r)
  if not r.holder then return end
  local expires, fence, weight, delay = parse(r.holder)
  if expires > now then return expires, fence, weight, delay end
end

-- expires, weight, channel
local function waiter(r, id)
  local expires, weight, channel = string.match(redis.call('HGET', r.key, 'waiter:' .. id) or '', '^(%d+) (%d+) (.*)$')
  return tonumber(expires or 0), tonumber(weight or 0), channel
end

local function forget(r, id)
  if r.head == id then r.head = nil end
  redis.call('ZREM', r.queue, id)
  redis.call('HDEL', r.key, 'waiter:' .. id)
  r.queued = redis.call('HINCRBY', r.key, 'queued', -1)
end

-- Ends the leases that have run out, the earliest first; their lock delays begin.
local function expire(r)
  if r.used == 0 or now < r.next then return end
  local fields, over, rest = redis.call('HGETALL', r.key), {}, nil
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 7) == 'holder:' then
      local expires, fence, weight, delay = parse(fields[i + 1])
      if expires <= now then
        over[#over + 1] = { field = fields[i], expires = expires, fence = fence, weight = weight, delay = delay }
      else
        rest = math.min(rest or expires, expires)
      end
    end
  end
  table.sort(over, function(a, b) return a.expires < b.expires or a.expires == b.expires and a.fence < b.fence end)
  for i = 1, math.min(#over, PURGES) do
    local h = over[i]
    redis.call('HDEL', r.key, h.field)
    r.used = r.used - h.weight
    if h.delay > 0 then r.closed = math.max(r.closed, h.expires + h.delay) end
    redis.call('HSET', r.key, 'last', 'expired ' .. string.sub(h.field, 8) .. ' fence ' .. text(h.fence) .. ' at ' .. text(h.expires))
    r.changed = true
  end
  r.next = #over > PURGES and over[PURGES + 1].expires or rest or 0
  redis.call('HSET', r.key, 'used', r.used, 'next', r.next, 'closed', r.closed)
end

-- Drops the waiters at the head that have stopped asking, and remembers who stands there then. One further back that asks again keeps its place.
local function drop(r)
  for _ = 1, PURGES do
    if r.head or r.queued <= 0 then return end
    local first = redis.call('ZRANGE', r.queue, 0, 0)[1]
    if not first then
      r.queued = 0
      redis.call('HDEL', r.key, 'queued')
      return
    end
    local expires, weight, channel = waiter(r, first)
    if expires > now then
      r.head, r.headWeight, r.headChannel = first, weight, channel
      return
    end
    forget(r, first)
    r.dropped = true
  end
end

-- Tells the first in the queue who can be let in together, at most 'limit', that they may ask again.
-- It stops at one that is dead but not the head: the last of those before it will wake who is behind.
local function wake(r, limit)
  if r.queued <= 0 or r.used >= r.capacity or now < r.closed then return end
  drop(r)
  local used = r.used + (r.headWeight or 0)
  if not r.head or used > r.capacity then return end
  redis.call('PUBLISH', r.headChannel, r.head)
  if limit == 1 or used == r.capacity then return end
  for _, id in ipairs(redis.call('ZRANGE', r.queue, 1, limit - 1)) do
    local expires, weight, channel = waiter(r, id)
    used = used + weight
    if expires <= now or used > r.capacity then return end
    redis.call('PUBLISH', channel, id)
  end
end

-- Tells those who watch an election that they should look.
local function announce(key)
  local prefix, topic = string.match(key, '^([^{]*){(leader:.*)}$')
  if topic then redis.call('PUBLISH', prefix .. topic, '') end
end

-- What a call finds out by the way.
local function settle(r)
  expire(r)
  if r.queued > 0 then drop(r) end
end

-- Passes on what was found out by the way.
local function finish(r)
  if r.changed then announce(r.key) end
  if r.changed or r.dropped then wake(r, WAKES) end
end

-- The keys outlive what is in them; they are never given less time than they have.
local function keep(r, ms)
  if redis.call('PTTL', r.key) < ms then redis.call('PEXPIRE', r.key, ms) end
  if r.queued > 0 and redis.call('PTTL', r.queue) < ms then redis.call('PEXPIRE', r.queue, ms) end
end
`
