#!lua flags=allow-oom
-- Reads a workspace's next events, for the router that has its shard and for no other: what another read would be pending and nobody's.
-- KEYS[1] the shards   KEYS[2] the stream
-- ARGV[1] shard   ARGV[2] router   ARGV[3] group   ARGV[4] consumer   ARGV[5] how many
-- Returns false where the router does not have the shard, else the entries as XRANGE gives them.
if holder_of(KEYS[1], ARGV[1], now()) ~= ARGV[2] then
  return false
end
local reply = redis.call('XREADGROUP', 'GROUP', ARGV[3], ARGV[4], 'COUNT', ARGV[5], 'STREAMS', KEYS[2], '>')
return reply and reply[1][2] or {}
