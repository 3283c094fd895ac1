-- A field of a hash, for those who need the answer of a Redis that can also write: another one may be out of date.
-- KEYS[1] the hash
-- ARGV[1] field
return read('HGET', KEYS[1], ARGV[1])
