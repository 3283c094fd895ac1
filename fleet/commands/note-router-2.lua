-- Says what a router is and sees, for a time.
-- KEYS[1] the router's note   KEYS[2] set of the routers that may have one
-- ARGV[1] router   ARGV[2] the note as JSON   ARGV[3] TTL, ms
make_room(KEYS[2], 'set')
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return redis.call('SADD', KEYS[2], ARGV[1])
