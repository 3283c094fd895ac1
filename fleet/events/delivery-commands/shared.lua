-- What the commands of webhooks share.

-- Who has a shard, and until when; nothing where nobody does.
local function holder_of(shards, shard, time)
  local text = redis.call('HGET', shards, shard)
  if not text then
    return nil
  end
  local until_when, router = string.match(text, '^(%d+):(.+)$')
  if router and tonumber(until_when) > time then
    return router
  end
end
