-- Writes a field of a hash.
-- KEYS[1] the hash
-- ARGV[1] field   ARGV[2] value
make_room(KEYS[1], 'hash')
return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
