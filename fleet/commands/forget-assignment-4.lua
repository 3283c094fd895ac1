-- Forgets a workspace's assignment where it still stands at this epoch.
-- KEYS[1] hash of assignments   KEYS[2], KEYS[3] what the hashes of an instance's assigned workspaces and orders begin with
-- KEYS[4] set of the instances that may have any
-- ARGV[1] workspace   ARGV[2] epoch
local before = assignment_of(KEYS[1], ARGV[1])
if not before or before.epoch ~= tonumber(ARGV[2]) then
  return 0
end
take_away({ assigned = KEYS[2], orders = KEYS[3], known = KEYS[4] }, ARGV[1], before)
remove(KEYS[1], ARGV[1])
return 1
