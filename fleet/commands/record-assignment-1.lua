-- Records who owns a workspace, unless a higher epoch is recorded already.
-- KEYS[1] hash of assignments
-- ARGV[1] workspace id   ARGV[2] epoch   ARGV[3] the assignment as JSON
-- Returns 1 when recorded, 0 when a higher epoch stands there.
local current = redis.call('HGET', KEYS[1], ARGV[1])
if current then
  -- What cannot be understood there must not keep the workspace's owner out for ever.
  local read, assignment = pcall(cjson.decode, current)
  local known = read and type(assignment) == 'table' and tonumber(assignment['epoch'])
  if known and known > tonumber(ARGV[2]) then
    return 0
  end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
