-- Notes that a workspace's webhook changed, its setting or its deliveries, so that all routers look.
-- KEYS[1] the count of changes   KEYS[2] the changes   KEYS[3] the generations of settings
-- ARGV[1] workspace   ARGV[2] generation of its setting, 0 where it has none
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], redis.call('INCR', KEYS[1]), ARGV[1])
