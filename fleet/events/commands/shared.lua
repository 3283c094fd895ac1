-- What the commands of the event log share.

-- The position in the id of an entry.
local function position_of(id)
  return string.match(id, '^%d+')
end

-- The position that a stream gave last, to an entry it may not have any more; 0 where there is no stream.
local function last_of(stream)
  local info = read('XINFO', 'STREAM', stream) or {}
  for index = 1, #info, 2 do
    if info[index] == 'last-generated-id' then
      return tonumber(position_of(info[index + 1]))
    end
  end
  return 0
end

-- Removes from a stream what is older than so many ms, and notes up to where. True where the stream is empty now.
local function drop_older(stream, forgotten, age, time)
  local bound = whole(math.max(0, time - age) * 1000)
  local last = redis.call('XREVRANGE', stream, '(' .. bound .. '-0', '-', 'COUNT', 1)[1]
  if last then
    redis.call('XTRIM', stream, 'MINID', bound .. '-0')
    redis.call('HSET', forgotten, stream, position_of(last[1]))
  end
  return redis.call('XLEN', stream) == 0
end

-- Sees to a few streams that are due to be looked at for what is too old. Times in ms; `index`: how many entries that has at most.
local function drop_due(due, index, forgotten, time, bounds)
  for _, stream in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', time, 'LIMIT', 0, 8)) do
    local readers = #(read('XINFO', 'GROUPS', stream) or {})
    local age = tonumber(bounds.kept)
    if stream == index then
      age = math.max(age, tonumber(bounds.undelivered))
      if redis.call('XLEN', stream) > tonumber(bounds.index) then
        redis.call('XTRIM', stream, 'MAXLEN', '~', bounds.index)
        local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
        redis.call('HSET', forgotten, stream, whole(tonumber(position_of(first[1])) - 1))
      end
    elseif age == 0 then
      age = tonumber(readers > 0 and bounds.undelivered or bounds.unread)
    end
    if drop_older(stream, forgotten, age, time) and readers == 0 then
      redis.call('DEL', stream)
      redis.call('ZREM', due, stream)
    else
      redis.call('ZADD', due, time + bounds.pause, stream)
    end
  end
end
