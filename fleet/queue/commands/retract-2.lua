#!lua flags=allow-oom
-- Takes back that the page got a message: it certainly did not. The message stays in hand.
-- KEYS[1] what the queue begins with   KEYS[2] hash of epochs
-- ARGV[1] workspace   ARGV[2] epoch   ARGV[3] message
if is_superseded(KEYS[2], ARGV[1], ARGV[2]) then
  return NOT_OWNER
end
local queue = queue_at(KEYS[1])
if redis.call('LINDEX', queue.active, -1) ~= ARGV[3] then
  return 0
end
return redis.call('HDEL', queue.prefix .. ARGV[3], 'begun')
