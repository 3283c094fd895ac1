-- The values of a hash, for those who need the answer of a Redis that can also write: another one may be out of date.
-- KEYS[1] the hash
return read('HVALS', KEYS[1]) or {}
