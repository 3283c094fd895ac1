#!lua flags=allow-oom
-- Ends messages of a session that is gone for ever, some hundreds at a time: those that were told of, and names the next to be told of. Those that the page may
-- have got end as unknown. The queue is removed when the last of them is past its time, unless the session comes back.
-- KEYS[1] what the queue begins with   KEYS[2] what channels of those who wait begin with   KEYS[3] hash of sessions
-- KEYS[4] set of pending sessions of its workspace
-- ARGV[1] the state they end in, as JSON   ARGV[2] the state of those that may have left   ARGV[3] 1 where bodies are kept
-- ARGV[4] the session's tag   ARGV[5] what the hash says of it   ARGV[6] what it says of one that is gone   ARGV[7] how many at a time   ARGV[8] the session
-- ARGV[9...] id and status of each that was told of
-- Returns how many ended; those of them that ended in another status than was told; those to be told of next (none: none are left). Of each its id, whom it is
-- to ('' where its body is gone, or says nothing that is understood here), and the status it ends in.
local queue = queue_at(KEYS[1])
local at = now()
if redis.call('HGET', KEYS[3], ARGV[4]) == ARGV[5] then
  redis.call('HSET', KEYS[3], ARGV[4], ARGV[6])
end

local function end_of(job)
  return advance(state_of(job), cjson.decode(is_begun(job) and ARGV[2] or ARGV[1]))
end

local function shown(id, state)
  -- Another version may have written what cannot be understood here.
  local is_json, body = pcall(cjson.decode, redis.call('HGET', queue.prefix .. id, 'message'))
  local to = is_json and type(body) == 'table' and body.to
  return { id, type(to) == 'string' and to or '', state.status }
end

local in_hand = {}
for _, id in ipairs(redis.call('LRANGE', queue.active, 0, -1)) do
  in_hand[id] = true
end
local ended, otherwise = 0, {}
for index = 9, #ARGV, 2 do
  local id, told = ARGV[index], ARGV[index + 1]
  local waits = redis.call('ZSCORE', queue.prioritized, id) or redis.call('ZSCORE', queue.delayed, id)
  if (in_hand[id] or waits) and redis.call('EXISTS', queue.prefix .. id) == 1 then
    local state = end_of(queue.prefix .. id)
    if state.status ~= told then
      otherwise[#otherwise + 1] = shown(id, state)
    end
    local finish_one = waits and finish_waiting or finish
    finish_one(queue, id, state, at, ARGV[3] == '1', KEYS[2])
    ended = ended + 1
  end
end

local limit, next_ones = tonumber(ARGV[7]), {}
local function name_all(ids)
  for _, id in ipairs(ids) do
    if redis.call('EXISTS', queue.prefix .. id) == 1 then
      next_ones[#next_ones + 1] = shown(id, end_of(queue.prefix .. id))
    else
      redis.call('LREM', queue.active, 0, id)
      redis.call('ZREM', queue.prioritized, id)
      redis.call('ZREM', queue.delayed, id)
    end
  end
end
-- Those without a message are removed: so it is looked again until there are some, or none are left.
repeat
  local ids = redis.call('LRANGE', queue.active, 0, -1)
  for _, set in ipairs({ queue.prioritized, queue.delayed }) do
    if #ids < limit then
      for _, id in ipairs(redis.call('ZRANGE', set, 0, limit - #ids - 1)) do
        ids[#ids + 1] = id
      end
    end
  end
  name_all(ids)
until #ids == 0 or #next_ones > 0
-- Nobody serves it any more who would take the mark away.
if #next_ones == 0 then
  redis.call('SREM', KEYS[4], ARGV[8])
end
return { ended, otherwise, next_ones }
