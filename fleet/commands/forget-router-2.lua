-- Forgets a router.
-- KEYS[1] the router's note   KEYS[2] set of the routers that may have one
-- ARGV[1] router
redis.call('DEL', KEYS[1])
redis.pcall('SREM', KEYS[2], ARGV[1])
return 1
