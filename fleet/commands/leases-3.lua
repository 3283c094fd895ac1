-- All leases that are held.
-- KEYS[1] set of the instances that may have one   KEYS[2] what a lease's key begins with   KEYS[3] the era
-- Returns {era, run id, {instance, incarnation, state, holder as JSON or '', ms that remain}, ...}.
local answer = identity(KEYS[3])
for _, instance in ipairs(read('SMEMBERS', KEYS[1]) or {}) do
  local key = KEYS[2] .. instance
  local incarnation, state = lease(key)
  if incarnation then
    answer[#answer + 1] = { instance, incarnation, state or '', read('HGET', key, 'holder') or '', redis.call('PTTL', key) }
  end
end
return answer
