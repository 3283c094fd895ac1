-- What all commands share, in whatever folder; put before each of them and its folder's `shared.lua`, after `#!lua`. With that first line Redis refuses
-- a command before it begins, not in its middle, where it is read-only, full, cannot write to its disk or has too few replicas (Redis 7.0 or newer).

-- What a reading command answers; nothing where the key holds another type, which another version may have written.
local function read(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) == 'table' and reply.err then
    return false
  end
  return reply
end

-- A whole number as text: Lua's own way loses digits beyond the fourteenth.
local function whole(number)
  return string.format('%.0f', number)
end

-- Milliseconds since 1970, by this Redis's clock: all processes compare with the same.
local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
