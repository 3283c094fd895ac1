-- Renews a lease that its incarnation holds, never one that lapsed or was given up, and tells what is assigned and ordered at this moment.
-- KEYS[1] the lease   KEYS[2] hash of what is assigned   KEYS[3] hash of orders   KEYS[4] the era
-- ARGV[1] incarnation   ARGV[2] TTL, ms
-- Returns {era, run id, 1 where held else 0, another that holds it or false, {workspace, epoch:claimed, ...}, {order as JSON, ...}}.
local incarnation, state = lease(KEYS[1])
local answer = identity(KEYS[4])
local other = false
if incarnation and state ~= 'restarting' then
  if incarnation == ARGV[1] then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
    answer[3] = 1
  else
    other = incarnation
  end
end
answer[3] = answer[3] or 0
answer[4] = other
answer[5] = read('HGETALL', KEYS[2]) or {}
answer[6] = read('HVALS', KEYS[3]) or {}
return answer
