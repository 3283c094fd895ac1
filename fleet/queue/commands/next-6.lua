#!lua flags=allow-oom
-- What a session's owner is to send next: what is in hand already, else the first that fits in its limits, most urgent first. It has its place in them then,
-- and is in hand. A message waits behind a more urgent one, unless that one waits for the limit of its own priority.
-- KEYS[1] what the queue begins with   KEYS[2] hash of epochs   KEYS[3] set of pending sessions
-- KEYS[4] list of the session's sends   KEYS[5] what the lists of the workspace's sends begin with   KEYS[6] list of all sends
-- ARGV[1] workspace   ARGV[2] session   ARGV[3] epoch
-- ARGV[4...] limits as count and window (ms; count 0: none), of: the session, all, the workspace's messages of each priority; with the priority's name
-- Returns {'message', its id, it without its body, its body, its state or false, 1 where it was begun}, {'wait', ms, why} or {'empty'}.
if is_superseded(KEYS[2], ARGV[1], ARGV[3]) then
  return NOT_OWNER
end
local queue = queue_at(KEYS[1])
local at = now()

local function in_hand(id)
  local found = redis.call('HMGET', queue.prefix .. id, 'data', 'message', 'progress', 'begun')
  return { 'message', id, found[1], found[2], found[3], found[4] == '1' and 1 or 0 }
end

-- Milliseconds until a limit has room; 0: now. The list holds the times of the last sends, oldest first. Times to come are of a clock that was set back since:
-- they count as now, so that nobody waits longer than a window.
local function time_to_room(limit)
  if limit.count == 0 then
    return 0
  end
  local newest = redis.call('LINDEX', limit.list, -1)
  if newest and tonumber(newest) > at then
    for index, time in ipairs(redis.call('LRANGE', limit.list, 0, -1)) do
      if tonumber(time) > at then
        redis.call('LSET', limit.list, index - 1, whole(at))
      end
    end
  end
  local oldest = redis.call('LINDEX', limit.list, -limit.count)
  return oldest and math.max(0, tonumber(oldest) + limit.window - at) or 0
end

local function take_place(limit)
  if limit.count == 0 then
    return
  end
  redis.call('RPUSH', limit.list, whole(at))
  redis.call('LTRIM', limit.list, -limit.count, -1)
  redis.call('PEXPIRE', limit.list, limit.window)
end

local id = redis.call('LINDEX', queue.active, -1)
while id do
  if redis.call('EXISTS', queue.prefix .. id) == 1 then
    return in_hand(id)
  end
  redis.call('LREM', queue.active, -1, id)
  id = redis.call('LINDEX', queue.active, -1)
end

promote_due(queue, at)
local later = redis.call('ZRANGE', queue.delayed, 0, 0, 'WITHSCORES')
local due = later[2] and math.max(1, math.floor(tonumber(later[2]) / 4096) - at)
if redis.call('ZCARD', queue.prioritized) == 0 then
  if due then
    return { 'wait', due, 'later' }
  end
  redis.call('SREM', KEYS[3], ARGV[2])
  return { 'empty' }
end

local session = { list = KEYS[4], count = tonumber(ARGV[4]), window = tonumber(ARGV[5]) }
local all = { list = KEYS[6], count = tonumber(ARGV[6]), window = tonumber(ARGV[7]) }
local wait, why
for priority = 1, 4 do
  local lowest = priority * 4294967296
  id = redis.call('ZRANGEBYSCORE', queue.prioritized, lowest, '(' .. whole(lowest + 4294967296), 'LIMIT', 0, 1)[1]
  if id then
    local first = 5 + priority * 3
    local workspace = { list = KEYS[5] .. ARGV[first + 2], count = tonumber(ARGV[first]), window = tonumber(ARGV[first + 1]) }
    local has_place = redis.call('HEXISTS', queue.prefix .. id, 'placed') == 1
    local reason, longest = nil, 0
    if not has_place then
      for name, limit in pairs({ session_limit = session, workspace_limit = workspace, global_limit = all }) do
        local time = time_to_room(limit)
        if time > longest then
          reason, longest = name, time
        end
      end
    end
    if not reason then
      if not has_place then
        take_place(session)
        take_place(workspace)
        take_place(all)
        redis.call('HSET', queue.prefix .. id, 'placed', whole(at))
      end
      take(queue, id, at)
      return in_hand(id)
    end
    if not wait or longest < wait then
      wait, why = longest, reason
    end
  end
end
if not wait then
  return { 'wait', 1000, 'later' }
end
-- For those who look at the queue.
redis.call('HSET', queue.stats, 'limited_until', whole(at + wait))
return { 'wait', due and math.min(due, wait) or wait, why }
