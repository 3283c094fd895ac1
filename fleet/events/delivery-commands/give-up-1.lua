#!lua flags=allow-oom
-- Gives up the leases of shards, each where this router has it.
-- KEYS[1] the shards
-- ARGV[1] router   ARGV[2...] the shards
local time = now()
for index = 2, #ARGV do
  if holder_of(KEYS[1], ARGV[index], time) == ARGV[1] then
    redis.call('HDEL', KEYS[1], ARGV[index])
  end
end
