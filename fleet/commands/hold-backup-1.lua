-- Takes the lease of the backup service where nobody holds it, or renews it where this service does.
-- KEYS[1] the lease
-- ARGV[1] service   ARGV[2] its note, JSON with the same `service`   ARGV[3] TTL, ms
-- Returns the note of who holds it. One that cannot be understood is nobody's: nobody could ever renew it.
local note = read('GET', KEYS[1])
local holder = note and decoded(note)
if holder and type(holder.service) == 'string' and holder.service ~= ARGV[1] then
  return note
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return ARGV[2]
