-- Gives up the lease of the backup service, where this service holds it.
-- KEYS[1] the lease
-- ARGV[1] service
local note = read('GET', KEYS[1])
local holder = note and decoded(note)
if not holder or holder.service ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
