"""What happens inside Redis, in Lua: each script is one step that nothing can come between.

Whoever holds a partition's lease is its only consumer, so all consumers read under one name in
the group. Every script that reads checks the lease itself: a process that slept through the end
of its lease gets nothing, whatever it believes.
"""

from __future__ import annotations

from gateway.bus.redis_link import Script

GROUP = "workers"
READER = "holder"
"""The consumer's name in the group, whoever holds the lease."""

WRITE = Script("""
-- KEYS: streams. ARGV: group, number of new entries, (stream, key, payload)*,
-- then what was handled: (stream, number, id*)*
local group, at = ARGV[1], 3
for _ = 1, tonumber(ARGV[2]) do
  redis.call('XADD', KEYS[tonumber(ARGV[at])], '*', 'k', ARGV[at + 1], 'p', ARGV[at + 2])
  at = at + 3
end
while ARGV[at] do
  local stream, number = KEYS[tonumber(ARGV[at])], tonumber(ARGV[at + 1])
  redis.call('XDEL', stream, unpack(ARGV, at + 2, at + 1 + number))
  redis.call('XACK', stream, group, unpack(ARGV, at + 2, at + 1 + number))
  at = at + 2 + number
end
return 1
""")

BALANCE = Script("""
-- KEYS: live consumers, entries in their hands, leases. ARGV: consumer, lease in ms, in hand.
-- Extends what the consumer holds, takes free partitions up to its share of them.
-- Returns the share and the numbers of the partitions held.
local me, lease = ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
  redis.call('ZREM', KEYS[1], gone)
  redis.call('HDEL', KEYS[2], gone)
end
redis.call('ZADD', KEYS[1], now + lease, me)
redis.call('HSET', KEYS[2], me, ARGV[3])
local consumers = redis.call('ZRANGE', KEYS[1], 0, -1)
table.sort(consumers)
local rank = 1
while consumers[rank] ~= me do rank = rank + 1 end
local partitions = #KEYS - 2
local share = math.floor(partitions / #consumers)
if rank <= partitions % #consumers then share = share + 1 end
local held, free = {}, {}
for number = 0, partitions - 1 do
  local key = KEYS[number + 3]
  local holder = redis.call('GET', key)
  if holder == me then
    redis.call('PEXPIRE', key, lease)
    held[#held + 1] = number
  elseif not holder then
    free[#free + 1] = number
  end
end
for _, number in ipairs(free) do
  if #held >= share then break end
  redis.call('SET', KEYS[number + 3], me, 'NX', 'PX', lease)
  held[#held + 1] = number
end
return {share, held}
""")

CLAIM = Script("""
-- KEYS: lease, stream. ARGV: consumer, group, reader, first id, number, 1 for a new holder.
-- Returns what was given out before and not acknowledged, a page at a time in order: the next
-- first id, the entries, and for each how often it was given out. A new holder counts as one
-- time more. Returns 0 when the lease is another's.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local stream, group, reader, first = KEYS[2], ARGV[2], ARGV[3], ARGV[4]
if first == '0-0' then redis.pcall('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM') end
local page, entries
if ARGV[6] == '1' then
  page = redis.call('XAUTOCLAIM', stream, group, reader, 0, first, 'COUNT', ARGV[5])
  entries = page[2]
else
  page = redis.call('XAUTOCLAIM', stream, group, reader, 0, first, 'COUNT', ARGV[5], 'JUSTID')
  entries = {}
  for _, id in ipairs(page[2]) do
    local entry = redis.call('XRANGE', stream, id, id)[1]
    if entry then entries[#entries + 1] = entry end
  end
end
local times = {}
for at, entry in ipairs(entries) do
  times[at] = redis.call('XPENDING', stream, group, entry[1], entry[1], 1)[1][4]
end
return {page[1], entries, times}
""")

READ = Script("""
-- KEYS: (lease, stream)*. ARGV: consumer, group, reader, number for each stream.
-- Returns for each stream its new entries, or 0 when the lease is another's.
local found = {}
for at = 1, #KEYS, 2 do
  if redis.call('GET', KEYS[at]) == ARGV[1] then
    local answer = redis.call('XREADGROUP', 'GROUP', ARGV[2], ARGV[3], 'COUNT', ARGV[4],
      'STREAMS', KEYS[at + 1], '>')
    found[#found + 1] = answer and answer[1][2] or {}
  else
    found[#found + 1] = 0
  end
end
return found
""")

COUNT_TRIES = Script("""
-- KEYS: streams. ARGV: group, reader, (stream, id, times given out)*
for at = 3, #ARGV, 3 do
  redis.call('XCLAIM', KEYS[tonumber(ARGV[at])], ARGV[1], ARGV[2], 0, ARGV[at + 1],
    'RETRYCOUNT', ARGV[at + 2], 'JUSTID')
end
return 1
""")

GIVE_UP = Script("""
-- KEYS: lease, stream. ARGV: consumer, group, reader, (id, times given out)*
-- Entries that were read but never given to a worker are not counted as tried.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
for at = 4, #ARGV, 2 do
  redis.call('XCLAIM', KEYS[2], ARGV[2], ARGV[3], 0, ARGV[at],
    'RETRYCOUNT', ARGV[at + 1], 'JUSTID')
end
return redis.call('DEL', KEYS[1])
""")

LEAVE = Script("""
-- KEYS: live consumers, entries in their hands. ARGV: consumer
redis.call('ZREM', KEYS[1], ARGV[1])
return redis.call('HDEL', KEYS[2], ARGV[1])
""")

BURY = Script("""
-- KEYS: stream, dead letters. ARGV: group, id, key, payload, reason, attempts
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', 'k', ARGV[3], 'p', ARGV[4], 'r', ARGV[5], 'a', ARGV[6])
redis.call('XDEL', KEYS[1], ARGV[2])
return 1
""")

REQUEUE = Script("""
-- KEYS: dead letters, stream. ARGV: letter, key, payload
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', 'k', ARGV[2], 'p', ARGV[3])
return 1
""")

FIGURES = Script("""
-- KEYS: dead letters, entries in hands, streams. Returns how many wait, the age of the oldest in
-- ms, how many are dead, and what each consumer last said to have in hand.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local depth, oldest = 0, now
for at = 3, #KEYS do
  local length = redis.call('XLEN', KEYS[at])
  if length > 0 then
    depth = depth + length
    local first = redis.call('XRANGE', KEYS[at], '-', '+', 'COUNT', 1)[1][1]
    oldest = math.min(oldest, tonumber(string.match(first, '^%d+')))
  end
end
return {depth, now - oldest, redis.call('XLEN', KEYS[1]), redis.call('HGETALL', KEYS[2])}
""")
