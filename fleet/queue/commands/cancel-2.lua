#!lua flags=allow-oom
-- Ends a message that the page cannot have got.
-- KEYS[1] what the queue begins with   KEYS[2] what channels of those who wait begin with
-- ARGV[1] message   ARGV[2] the state it ends in, as JSON   ARGV[3] 1 where its body is kept
-- Returns 'cancelled', 'under_way', 'ended' or 'not_found'.
local queue = queue_at(KEYS[1])
local job = queue.prefix .. ARGV[1]
if redis.call('EXISTS', job) == 0 then
  return 'not_found'
end
local told = cjson.decode(ARGV[2])
local state = state_of(job)
if redis.call('HEXISTS', job, 'finishedOn') == 1 then
  local cancelled = type(state.error) == 'table' and state.error.code == told.error.code
  return cancelled and 'cancelled' or 'ended'
end
if is_begun(job) then
  return 'under_way'
end
state = advance(state, told)
if redis.call('LINDEX', queue.active, -1) == ARGV[1] then
  finish(queue, ARGV[1], state, now(), ARGV[3] == '1', KEYS[2])
else
  finish_waiting(queue, ARGV[1], state, now(), ARGV[3] == '1', KEYS[2])
end
return 'cancelled'
