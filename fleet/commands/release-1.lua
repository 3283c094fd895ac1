-- Gives a lease up where its incarnation holds it: at once, or as restarting for a time.
-- KEYS[1] the lease
-- ARGV[1] incarnation   ARGV[2] how long it may be restarting, ms; 0 for not at all
if lease(KEYS[1]) ~= ARGV[1] then
  return 0
end
if tonumber(ARGV[2]) > 0 then
  redis.call('HSET', KEYS[1], 'state', 'restarting')
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
else
  redis.call('DEL', KEYS[1])
end
return 1
