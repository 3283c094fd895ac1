-- Gives up being the leader of the routers, where it is this one.
-- KEYS[1] the leader
-- ARGV[1] router
if read('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
