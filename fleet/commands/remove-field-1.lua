-- Removes a field of a hash.
-- KEYS[1] the hash
-- ARGV[1] field
remove(KEYS[1], ARGV[1])
return 1
