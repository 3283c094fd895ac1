#!lua flags=allow-oom
-- Removes what is past its time: bodies of messages that ended, then the messages. A queue of a session that is gone is removed with its last message.
-- KEYS[1] what the queue begins with   KEYS[2] hash of sessions
-- ARGV[1] bodies go of messages that ended so long ago (ms)   ARGV[2] messages that ended so long ago (ms)   ARGV[3] the session's tag
-- ARGV[4] what the hash says of it where it is gone   ARGV[5] at most so many of each
-- Returns how many were removed, and how many bodies.
local queue = queue_at(KEYS[1])
local limit = tonumber(ARGV[5])
local bodies_before, messages_before = now() - tonumber(ARGV[1]), now() - tonumber(ARGV[2])
local removed, bodies = 0, 0
for _, name in ipairs({ 'completed', 'failed' }) do
  local gone = bull.cleanJobsInSet({ queue[name], '', '' }, { queue.prefix, whole(messages_before), ARGV[5], name })
  removed = removed + #gone
  if #gone > 0 then
    redis.call('ZREM', queue.unsettled, unpack(gone))
  end
  if bodies_before > messages_before then
    -- Where bodies went before, the next are looked for from there on.
    local field = 'bodies_' .. name
    local from = redis.call('HGET', queue.stats, field) or '-inf'
    local ended = redis.call('ZRANGEBYSCORE', queue[name], from, whole(bodies_before), 'WITHSCORES', 'LIMIT', 0, limit)
    for index = 1, #ended, 2 do
      bodies = bodies + redis.call('HDEL', queue.prefix .. ended[index], 'message')
    end
    if #ended > 0 then
      redis.call('HSET', queue.stats, field, ended[#ended])
    end
  end
end
if redis.call('HGET', KEYS[2], ARGV[3]) == ARGV[4]
  and redis.call('EXISTS', queue.active, queue.prioritized, queue.delayed, queue.completed, queue.failed) == 0 then
  redis.call('DEL', queue.stats, queue.unsettled, queue.counter)
  redis.call('HDEL', KEYS[2], ARGV[3])
end
return { removed, bodies }
