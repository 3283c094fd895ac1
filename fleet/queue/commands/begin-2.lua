#!lua flags=allow-oom
-- Writes down that the page gets a message now.
-- KEYS[1] what the queue begins with   KEYS[2] hash of epochs
-- ARGV[1] workspace   ARGV[2] epoch   ARGV[3] message   ARGV[4] the time as ISO 8601
-- Returns its state, or false where it is not in hand any more: it was cancelled.
if is_superseded(KEYS[2], ARGV[1], ARGV[2]) then
  return NOT_OWNER
end
local queue = queue_at(KEYS[1])
if redis.call('LINDEX', queue.active, -1) ~= ARGV[3] then
  return false
end
local job = queue.prefix .. ARGV[3]
local state = state_of(job)
state = advance(state, told_state('sending', { attempts = state.attempts + 1, sending_at = ARGV[4] }))
local text = cjson.encode(state)
redis.call('HSET', job, 'progress', text, 'begun', '1')
return text
