-- Writes events down, each once, and sees to streams that may hold what is too old.
-- KEYS[1] clock   KEYS[2] index   KEYS[3] streams due   KEYS[4] what was forgotten   KEYS[5] the bell's channel
-- ARGV[1] how long events are kept, ms; 0: until they are delivered   ARGV[2] how long those that nobody is to be brought are kept then, ms
-- ARGV[3] how long the index, and what is undelivered, is kept at most, ms   ARGV[4] entries of the index   ARGV[5] ids remembered of a session
-- ARGV[6] how long they are remembered after the last, ms   ARGV[7] pause between two looks at a stream, ms
-- ARGV[8...] for each event: stream, set of ids seen, workspace as JSON, digits of its id, the event
-- Returns for each event 1 where it is new, 0 where it was written before.
local time = now()
local last = tonumber(read('GET', KEYS[1]) or last_of(KEYS[2])) or 0
local pause = tonumber(ARGV[7])
local answer, rung, bell, sets = {}, {}, {}, {}
for index = 8, #ARGV, 5 do
  local stream, seen, workspace, id = ARGV[index], ARGV[index + 1], ARGV[index + 2], ARGV[index + 3]
  if read('ZSCORE', seen, id) then
    answer[#answer + 1] = 0
  else
    last = math.max(last + 1, time * 1000, last_of(stream) + 1)
    redis.call('XADD', stream, whole(last) .. '-0', 'event', ARGV[index + 4])
    redis.call('XADD', KEYS[2], whole(last) .. '-0', 'workspace', workspace)
    redis.call('ZADD', seen, time, id)
    answer[#answer + 1] = 1
    sets[seen] = true
    if not rung[stream] then
      rung[stream] = true
      bell[#bell + 1] = workspace
      redis.call('ZADD', KEYS[3], 'NX', time + pause, stream)
    end
  end
end
if #bell > 0 then
  redis.call('SET', KEYS[1], whole(last))
  for seen in pairs(sets) do
    redis.call('ZREMRANGEBYRANK', seen, 0, -1 - tonumber(ARGV[5]))
    redis.call('PEXPIRE', seen, ARGV[6])
  end
  redis.call('ZADD', KEYS[3], 'NX', time + pause, KEYS[2])
  redis.call('PUBLISH', KEYS[5], '[' .. table.concat(bell, ',') .. ']')
end
drop_due(KEYS[3], KEYS[2], KEYS[4], time, { kept = ARGV[1], unread = ARGV[2], undelivered = ARGV[3], index = ARGV[4], pause = pause })
return answer
