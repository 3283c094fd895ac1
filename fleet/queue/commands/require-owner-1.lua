#!lua flags=allow-oom
-- Refuses who is not the workspace's latest owner.
-- KEYS[1] hash of epochs
-- ARGV[1] workspace   ARGV[2] epoch
return is_superseded(KEYS[1], ARGV[1], ARGV[2]) and NOT_OWNER or 1
