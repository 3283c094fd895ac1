-- The notes of all routers whose time has not run out; the others are forgotten.
-- KEYS[1] set of the routers that may have one   KEYS[2] what a note's key begins with
-- Returns the notes as JSON.
local notes = {}
for _, router in ipairs(read('SMEMBERS', KEYS[1]) or {}) do
  local note = read('GET', KEYS[2] .. router)
  if note then
    notes[#notes + 1] = note
  else
    redis.call('SREM', KEYS[1], router)
  end
end
return notes
