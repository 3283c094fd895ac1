#!lua flags=allow-oom
-- Takes or keeps the leases of shards, each where no other router has it.
-- KEYS[1] the shards
-- ARGV[1] router   ARGV[2] for how long, ms   ARGV[3...] the shards
-- Returns the shards that it has now.
local time = now()
local value = string.format('%.0f', time + tonumber(ARGV[2])) .. ':' .. ARGV[1]
local held = {}
for index = 3, #ARGV do
  local router = holder_of(KEYS[1], ARGV[index], time)
  if not router or router == ARGV[1] then
    redis.call('HSET', KEYS[1], ARGV[index], value)
    held[#held + 1] = ARGV[index]
  end
end
return held
