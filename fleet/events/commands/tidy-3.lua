#!lua flags=allow-oom
-- Removes from a few streams what is too old, also where Redis is full: that makes room.
-- KEYS[1] streams due   KEYS[2] index   KEYS[3] what was forgotten
-- ARGV[1] ... ARGV[4] as of append   ARGV[5] pause between two looks at a stream, ms
local bounds = { kept = ARGV[1], unread = ARGV[2], undelivered = ARGV[3], index = ARGV[4], pause = tonumber(ARGV[5]) }
drop_due(KEYS[1], KEYS[2], KEYS[3], now(), bounds)
