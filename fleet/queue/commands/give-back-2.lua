#!lua flags=allow-oom
-- Puts a message that is in hand at the head of its line.
-- KEYS[1] what the queue begins with   KEYS[2] hash of epochs
-- ARGV[1] workspace   ARGV[2] epoch   ARGV[3] message
if is_superseded(KEYS[2], ARGV[1], ARGV[2]) then
  return NOT_OWNER
end
local queue = queue_at(KEYS[1])
return bull.moveJobFromActiveToWait({
  queue.active, queue.wait, '', queue.paused, '', queue.prefix .. 'limiter', queue.prioritized, '', '',
}, { ARGV[3], '0', queue.prefix .. ARGV[3] })
