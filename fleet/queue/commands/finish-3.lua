#!lua flags=allow-oom
-- Ends a message that is in hand. Where it has ended already (it was done before, and the answer got lost) what is told is added.
-- KEYS[1] what the queue begins with   KEYS[2] hash of epochs   KEYS[3] what channels of those who wait begin with
-- ARGV[1] workspace   ARGV[2] epoch   ARGV[3] message   ARGV[4] its state as JSON   ARGV[5] 1 where its body is kept
-- Returns its state then, or false where there is no such message.
if is_superseded(KEYS[2], ARGV[1], ARGV[2]) then
  return NOT_OWNER
end
local queue = queue_at(KEYS[1])
local job = queue.prefix .. ARGV[3]
if redis.call('EXISTS', job) == 0 then
  redis.call('LREM', queue.active, 0, ARGV[3])
  return false
end
local at = now()
local before = state_of(job)
local state = advance(before, cjson.decode(ARGV[4]))
if redis.call('LINDEX', queue.active, -1) == ARGV[3] then
  finish(queue, ARGV[3], state, at, ARGV[5] == '1', KEYS[3])
elseif redis.call('HEXISTS', job, 'finishedOn') == 1 then
  correct(queue, ARGV[3], before, state, at)
end
return cjson.encode(state)
