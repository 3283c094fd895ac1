-- Writes a move, where it is still in the state that its writer knows; of those that ended only the last ones are kept.
-- KEYS[1] hash of moves   KEYS[2] sorted set of those that ended, in their order
-- ARGV[1] id   ARGV[2] the move as JSON   ARGV[3] 1 where it ended   ARGV[4] how many that ended are kept
-- ARGV[5] the state that it must be in; empty: it must not be there
-- Returns 1, or 0 where nothing was written.
local state = ''
local text = read('HGET', KEYS[1], ARGV[1])
if text then
  local known = decoded(text)
  state = known and known.state
end
if state ~= ARGV[5] then
  return 0
end
make_room(KEYS[1], 'hash')
make_room(KEYS[2], 'zset')
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if ARGV[3] ~= '1' then
  redis.call('ZREM', KEYS[2], ARGV[1])
  return 1
end
local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
redis.call('ZADD', KEYS[2], 'NX', whole((tonumber(last[2]) or 0) + 1), ARGV[1])
while redis.call('ZCARD', KEYS[2]) > tonumber(ARGV[4]) do
  redis.call('HDEL', KEYS[1], redis.call('ZPOPMIN', KEYS[2])[1])
end
return 1
