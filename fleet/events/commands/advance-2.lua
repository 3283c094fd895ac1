-- Moves a session's marks on, never back, and forgets ids of events that nobody can meet again.
-- KEYS[1] marks   KEYS[2] ids of events seen
-- ARGV[1] 1 where all that happened so far is in the log   ARGV[2] how long before that ids are remembered, ms   ARGV[3] how long marks are kept, ms
-- ARGV[4...] name and time of each mark; an empty time removes it
for index = 4, #ARGV, 2 do
  local name, time = ARGV[index], ARGV[index + 1]
  if time == '' then
    redis.call('HDEL', KEYS[1], name)
  elseif (tonumber(redis.call('HGET', KEYS[1], name)) or 0) < tonumber(time) then
    redis.call('HSET', KEYS[1], name, time)
  end
end
if ARGV[1] == '1' then
  local time = now()
  redis.call('HSET', KEYS[1], 'live', whole(time))
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', whole(time - tonumber(ARGV[2])))
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
