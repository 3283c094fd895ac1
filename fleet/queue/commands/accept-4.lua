-- Writes messages down, unless they are there already, or their queue is full.
-- KEYS[1] what queues begin with   KEYS[2] hash of sessions   KEYS[3] what sets of pending sessions begin with   KEYS[4] what doorbells begin with
-- ARGV[1] how many messages fit in a queue
-- ARGV[2...] of each message: workspace, session, tag, id, priority (1 first), not before (ms; '' at once), the message without its body as JSON, its body as
--            JSON, the router that waits for its end or ''
-- Returns for each 'queued', 'known', or where the queue is full {its depth, messages sent in the last minute}.
local at = now()
local timestamp, max_depth = whole(at), tonumber(ARGV[1])
local queues, answers = {}, {}
-- BullMQ's options of jobs to be sent at once, by priority.
local at_once = {}
for priority = 1, 4 do
  at_once[tostring(priority)] = cmsgpack.pack({ priority = priority })
end
for index = 2, #ARGV, 9 do
  local workspace, session, tag, id, priority, send_at, data, message, waiter = unpack(ARGV, index, index + 8)
  local name = workspace .. '.' .. session
  local queue = queues[name]
  if not queue then
    queue = queue_at(KEYS[1] .. name .. ':')
    queue.workspace, queue.session, queue.tag = workspace, session, tag
    promote_due(queue, at)
    queue.depth = redis.call('ZCARD', queue.prioritized) + redis.call('ZCARD', queue.delayed) + redis.call('LLEN', queue.active)
    queues[name] = queue
  end
  local job = queue.prefix .. id
  if redis.call('EXISTS', job) == 1 then
    answers[#answers + 1] = 'known'
    if waiter ~= '' then
      redis.call('HSET', job, 'waiter', waiter)
    end
  elseif queue.depth >= max_depth then
    local rate = sent_last_minute(redis.call('HMGET', queue.stats, 'minute', 'in_minute', 'in_minute_before'), at)
    answers[#answers + 1] = { queue.depth, rate }
  else
    local arguments = cmsgpack.pack({ queue.prefix, id, 'message', timestamp })
    local delay = (tonumber(send_at) or 0) - at
    if delay > 0 then
      local options = cmsgpack.pack({ priority = tonumber(priority), delay = delay })
      bull.addDelayedJob({ '', '', '', queue.delayed, queue.completed, '' }, { arguments, data, options })
    else
      bull.addPrioritizedJob({
        '', '', '', queue.prioritized, queue.delayed, queue.completed, queue.active, '', queue.counter,
      }, { arguments, data, at_once[priority] })
    end
    redis.call('HSET', job, 'message', message)
    if waiter ~= '' then
      redis.call('HSET', job, 'waiter', waiter)
    end
    queue.depth = queue.depth + 1
    queue.added = true
    answers[#answers + 1] = 'queued'
  end
end
for _, queue in pairs(queues) do
  if queue.added then
    local session = queue.workspace .. '/' .. queue.session
    if redis.call('HGET', KEYS[2], queue.tag) ~= session then
      redis.call('HSET', KEYS[2], queue.tag, session)
    end
    redis.call('SADD', KEYS[3] .. queue.workspace, queue.session)
    redis.call('PUBLISH', KEYS[4] .. queue.workspace, queue.session)
  end
end
return answers
