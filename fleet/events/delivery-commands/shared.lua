-- What the commands of webhooks share.

-- Milliseconds since 1970, by this Redis's clock: all routers compare with the same.
local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

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
