-- Takes an instance's lease where nobody holds it, its holder gave it up to restart, or one of those to be replaced holds it.
-- KEYS[1] the lease   KEYS[2] set of the instances that may have one   KEYS[3] the era
-- ARGV[1] instance   ARGV[2] incarnation   ARGV[3] the holder as JSON   ARGV[4] TTL, ms   ARGV[5] the era's name where there is none
-- ARGV[6...] incarnations to replace
-- Returns {era, run id, 1}; where another holds it {era, run id, 0, its incarnation, its holder as JSON or false}.
local incarnation, state = lease(KEYS[1])
local free = not incarnation or state == 'restarting'
for index = 6, #ARGV do
  free = free or ARGV[index] == incarnation
end
if free then
  make_room(KEYS[2], 'set')
  make_room(KEYS[3], 'string')
  redis.call('SET', KEYS[3], ARGV[5], 'NX')
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'incarnation', ARGV[2], 'state', 'running', 'holder', ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  redis.call('SADD', KEYS[2], ARGV[1])
end
local answer = identity(KEYS[3])
answer[3] = free and 1 or 0
if not free then
  answer[4] = incarnation
  answer[5] = read('HGET', KEYS[1], 'holder')
end
return answer
