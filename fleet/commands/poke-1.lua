-- Asks an instance to renew now.
-- KEYS[1] its channel
return redis.call('PUBLISH', KEYS[1], '')
