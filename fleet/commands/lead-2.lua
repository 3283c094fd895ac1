-- Becomes, or stays, the leader of the routers.
-- KEYS[1] the leader   KEYS[2] the era
-- ARGV[1] router   ARGV[2] TTL, ms
-- Returns {era, run id, the leader}.
local leader = read('GET', KEYS[1]) or ARGV[1]
if leader == ARGV[1] then
  redis.call('SET', KEYS[1], leader, 'PX', ARGV[2])
end
local answer = identity(KEYS[2])
answer[3] = leader
return answer
