#!lua flags=allow-oom
-- A router says that it lives, and hears who else does and who has which shard.
-- KEYS[1] the routers   KEYS[2] the shards
-- ARGV[1] router   ARGV[2] for how long it says so, ms
-- Returns {routers that live, {shard, router, shard, router ...}}.
local time = now()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', time)
redis.call('ZADD', KEYS[1], string.format('%.0f', time + tonumber(ARGV[2])), ARGV[1])
local held = {}
for _, shard in ipairs(redis.call('HKEYS', KEYS[2])) do
  local router = holder_of(KEYS[2], shard, time)
  if router then
    held[#held + 1] = shard
    held[#held + 1] = router
  end
end
return { redis.call('ZRANGE', KEYS[1], 0, -1), held }
