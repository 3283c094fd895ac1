-- Assigns a workspace to another instance at the next epoch, where it still stands at this one, and the instance holds a running lease.
-- KEYS[1] hash of assignments   KEYS[2], KEYS[3] what the hashes of an instance's assigned workspaces and orders begin with
-- KEYS[4] set of the instances that may have any   KEYS[5] channel of changes   KEYS[6] what a lease's key begins with
-- ARGV[1] workspace   ARGV[2] epoch   ARGV[3] next epoch   ARGV[4] instance
-- ARGV[5] why it may: `take_over` the lease of the one that has it is absent; `hand_over` ARGV[6] is the incarnation that claimed it;
--         `redirect` nobody claimed it
-- Returns 'done', or why not.
local keys = { assignments = KEYS[1], assigned = KEYS[2], orders = KEYS[3], known = KEYS[4], changes = KEYS[5] }
local before = assignment_of(keys.assignments, ARGV[1])
if not before or before.epoch ~= tonumber(ARGV[2]) then
  return 'epoch_changed'
end
if ARGV[5] == 'take_over' and lease(KEYS[6] .. before.instance) then
  return 'lease_held'
end
if ARGV[5] == 'hand_over' and not (before.claimed and before.incarnation == ARGV[6]) then
  return 'not_yours'
end
if ARGV[5] == 'redirect' and before.claimed then
  return 'not_yours'
end
local target, state = lease(KEYS[6] .. ARGV[4])
if not target or state == 'restarting' then
  return 'target_gone'
end
assign(keys, before, {
  workspace = ARGV[1],
  epoch = ARGV[3],
  instance = ARGV[4],
  incarnation = '',
  claimed = false,
  since = whole(now()),
})
return 'done'
