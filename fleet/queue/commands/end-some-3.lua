#!lua flags=allow-oom
-- Ends messages of a session that is gone for ever, some hundreds at a time. Those that the page may have got end as unknown. The queue is removed when the last of
-- them is past its time, unless the session comes back.
-- KEYS[1] what the queue begins with   KEYS[2] what channels of those who wait begin with   KEYS[3] hash of sessions
-- ARGV[1] the state they end in, as JSON   ARGV[2] the state of those that may have left   ARGV[3] 1 where bodies are kept
-- ARGV[4] the session's tag   ARGV[5] what the hash says of it   ARGV[6] what it says of one that is gone   ARGV[7] how many at a time
-- Returns how many ended (0: none are left), then of each that was there its id, whom it was to ('' where its body is gone), and the status it has.
local queue = queue_at(KEYS[1])
local at = now()
if redis.call('HGET', KEYS[3], ARGV[4]) == ARGV[5] then
  redis.call('HSET', KEYS[3], ARGV[4], ARGV[6])
end
local limit, ended = tonumber(ARGV[7]), 0
local answer = { 0 }
local function end_all(ids, finish_one)
  for _, id in ipairs(ids) do
    local job = queue.prefix .. id
    if redis.call('EXISTS', job) == 1 then
      local told = cjson.decode(is_begun(job) and ARGV[2] or ARGV[1])
      local body = redis.call('HGET', job, 'message')
      local state = advance(state_of(job), told)
      finish_one(queue, id, state, at, ARGV[3] == '1', KEYS[2])
      answer[#answer + 1] = { id, body and cjson.decode(body).to or '', state.status }
    else
      redis.call('LREM', queue.active, 0, id)
      redis.call('ZREM', queue.prioritized, id)
      redis.call('ZREM', queue.delayed, id)
    end
    ended = ended + 1
  end
end
end_all(redis.call('LRANGE', queue.active, 0, -1), finish)
end_all(redis.call('ZRANGE', queue.prioritized, 0, limit - 1), finish_waiting)
if ended < limit then
  end_all(redis.call('ZRANGE', queue.delayed, 0, limit - ended - 1), finish_waiting)
end
answer[1] = ended
return answer
