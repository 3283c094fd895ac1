-- Records who owns a workspace, unless a higher epoch is recorded already, or the same one of another. What cannot be understood there
-- must not keep the workspace's owner out for ever.
-- KEYS[1] hash of assignments   KEYS[2], KEYS[3] what the hashes of an instance's assigned workspaces and orders begin with
-- KEYS[4] set of the instances that may have any   KEYS[5] channel of changes
-- ARGV[1] workspace   ARGV[2] epoch   ARGV[3] instance   ARGV[4] incarnation   ARGV[5] 1 where claimed   ARGV[6] since, ms; 0 for now
-- Returns 1 when recorded, else 0.
local keys = { assignments = KEYS[1], assigned = KEYS[2], orders = KEYS[3], known = KEYS[4], changes = KEYS[5] }
local claimed = ARGV[5] == '1'
local before = assignment_of(keys.assignments, ARGV[1])
if before then
  local epoch = tonumber(ARGV[2])
  if before.epoch > epoch then
    return 0
  end
  if before.epoch == epoch then
    local same = before.instance == ARGV[3] and before.incarnation == ARGV[4]
    if before.claimed and not (same and claimed) or not before.claimed and not (same or claimed) then
      return 0
    end
  end
end
assign(keys, before, {
  workspace = ARGV[1],
  epoch = ARGV[2],
  instance = ARGV[3],
  incarnation = ARGV[4],
  claimed = claimed,
  since = ARGV[6] == '0' and whole(now()) or ARGV[6],
})
return 1
