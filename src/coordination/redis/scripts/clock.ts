/**
 * The head of every script: `us` and `now`, µs and ms since 1970, by the server's
 * clock and by no other.
 *
 * Numbers: `redis.call` writes them with 17 digits, so whole ones below 2^53 pass as
 * they are; within a text Lua writes 14, and it takes a `%.0f`.
 *
 * `argument` is where a test that owns the time puts it, in µs: behind the script's own arguments.
 */
export function clock(argument: string): string {
  return `
local us = tonumber(${argument})
if not us then
  local time = redis.call('TIME')
  us = time[1] * 1000000 + time[2]
end
local now = math.floor(us / 1000)
`
}
