#!lua flags=no-writes
-- How queues stand.
-- KEYS[1] what queues begin with
-- ARGV    names of queues: `workspace.session`
-- Returns for each {waiting or in hand by priority (4), for later, when the oldest that may be sent was accepted (ms) or false, sent, failed, unknown, sent in the last
-- minute, when one was sent last (ms) or false, until when a limit holds messages back (ms) or false}.
local at = now()
local views = {}
for _, name in ipairs(ARGV) do
  local queue = queue_at(KEYS[1] .. name .. ':')
  local view, oldest = {}, false
  local function look_at(id)
    local accepted = id and redis.call('HGET', queue.prefix .. id, 'timestamp')
    if accepted and (not oldest or tonumber(accepted) < tonumber(oldest)) then
      oldest = accepted
    end
  end
  for priority = 1, 4 do
    local lowest = priority * 4294967296
    local highest = '(' .. whole(lowest + 4294967296)
    local waiting = redis.call('ZCOUNT', queue.prioritized, lowest, highest)
    view[priority] = waiting
    if waiting > 0 then
      look_at(redis.call('ZRANGEBYSCORE', queue.prioritized, lowest, highest, 'LIMIT', 0, 1)[1])
    end
  end
  local id = redis.call('LINDEX', queue.active, -1)
  look_at(id)
  -- One in hand counts with its priority.
  local priority = id and tonumber(redis.call('HGET', queue.prefix .. id, 'priority') or 0) or 0
  if view[priority] then
    view[priority] = view[priority] + 1
  end
  local stats = redis.call('HMGET', queue.stats, 'sent', 'failed', 'unknown', 'last_sent_at', 'minute', 'in_minute', 'in_minute_before', 'limited_until')
  local rate = sent_last_minute({ stats[5], stats[6], stats[7] }, at)
  view[5] = redis.call('ZCARD', queue.delayed)
  view[6] = oldest
  view[7], view[8], view[9] = stats[1] or '0', stats[2] or '0', stats[3] or '0'
  view[10], view[11] = rate, stats[4]
  view[12] = stats[8] and tonumber(stats[8]) > at and view[1] + view[2] + view[3] + view[4] > 0 and stats[8] or false
  views[#views + 1] = view
end
return views
