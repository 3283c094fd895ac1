#!lua flags=allow-oom
-- Takes back that the page got a message: it certainly did not. The message stays in hand.
-- KEYS[1] what the queue begins with   KEYS[2] hash of epochs
-- ARGV[1] workspace   ARGV[2] epoch   ARGV[3] message   ARGV[4] how often it had been handed over then: a word that comes late takes back no later hand-over
if is_superseded(KEYS[2], ARGV[1], ARGV[2]) then
  return NOT_OWNER
end
local queue = queue_at(KEYS[1])
if redis.call('LINDEX', queue.active, -1) ~= ARGV[3] then
  return 0
end
local job = queue.prefix .. ARGV[3]
if state_of(job).attempts ~= tonumber(ARGV[4]) then
  return 0
end
return redis.call('HDEL', job, 'begun')
