-- What the queues' commands share; put before each of them, after BullMQ's own steps (`bull`, see bullmq-scripts.ts). Each begins with `#!lua`: so Redis
-- refuses it before it begins, not in its middle, where it is read-only, cannot write to its disk or has too few replicas, and where it is full unless the
-- command says `allow-oom`: those by which messages leave go on then.

-- The keys of a queue by what they begin with: BullMQ's, and ours beside them.
local function queue_at(prefix)
  return {
    prefix = prefix,
    wait = prefix .. 'wait',
    paused = prefix .. 'paused',
    active = prefix .. 'active',
    prioritized = prefix .. 'prioritized',
    delayed = prefix .. 'delayed',
    completed = prefix .. 'completed',
    failed = prefix .. 'failed',
    counter = prefix .. 'pc',
    -- Hash of counters.
    stats = prefix .. 'stats',
    -- Sorted set of messages that were handed over and of whose fate more may be heard; by when they ended.
    unsettled = prefix .. 'unsettled',
  }
end

local NOT_OWNER = redis.error_reply('NOTOWNER a later owner of the workspace came for its messages')

-- True where an owner of a later epoch was seen; else this one is remembered.
local function is_superseded(epochs, workspace, epoch)
  local seen = redis.call('HGET', epochs, workspace)
  if seen and tonumber(seen) > tonumber(epoch) then
    return true
  end
  if seen ~= epoch then
    redis.call('HSET', epochs, workspace, epoch)
  end
  return false
end

-- How far a status is; the rules of message-state.ts.
local RANK = { queued = 0, sending = 1, unknown = 2, failed = 3, sent = 4, delivered = 5, read = 6 }
local TIMES = { 'sending_at', 'sent_at', 'delivered_at', 'read_at' }

local function either(one, other)
  if one ~= nil and one ~= cjson.null then
    return one
  end
  if other ~= nil then
    return other
  end
  return cjson.null
end

local function was_sent(state)
  return RANK[state.status] >= RANK.sent
end

-- What is known after `told`, where `known` was before.
local function advance(known, told)
  local later, other = known, told
  if RANK[told.status] > RANK[known.status] then
    later, other = told, known
  end
  local rest = later.status == other.status and other or {}
  local state = {
    status = later.status,
    whatsapp_id = either(known.whatsapp_id, told.whatsapp_id),
    attempts = math.max(known.attempts, told.attempts),
    error = cjson.null,
    ended_at = cjson.null,
  }
  if not was_sent(later) then
    state.error = either(later.error, rest.error)
    state.ended_at = either(later.ended_at, rest.ended_at)
  end
  for _, time in ipairs(TIMES) do
    state[time] = either(known[time], told[time])
  end
  return state
end

-- A state of which only this is known.
local function told_state(status, fields)
  local state = { status = status, attempts = 0 }
  for name, value in pairs(fields) do
    state[name] = value
  end
  return state
end

local function state_of(job)
  local text = redis.call('HGET', job, 'progress')
  if text then
    return cjson.decode(text)
  end
  return advance(told_state('queued', {}), told_state('queued', {}))
end

local function write_state(job, state)
  redis.call('HSET', job, 'progress', cjson.encode(state))
end

-- Which counter a message that ended is of.
local function outcome(state)
  if was_sent(state) then
    return 'sent'
  end
  return state.status == 'unknown' and 'unknown' or 'failed'
end

-- Counts a message that ended: of those sent also when, and how many in this minute and the one before.
local function count(queue, state, at)
  redis.call('HINCRBY', queue.stats, outcome(state), 1)
  if not was_sent(state) then
    return
  end
  local minute = math.floor(at / 60000)
  local found = redis.call('HMGET', queue.stats, 'minute', 'in_minute')
  local seen = tonumber(found[1] or 0)
  if seen >= minute then
    redis.call('HINCRBY', queue.stats, 'in_minute', 1)
  else
    local before = seen == minute - 1 and found[2] or 0
    redis.call('HSET', queue.stats, 'minute', whole(minute), 'in_minute', 1, 'in_minute_before', before)
  end
  redis.call('HSET', queue.stats, 'last_sent_at', whole(at))
end

-- Messages sent in the last whole minute, from the fields `minute`, `in_minute`, `in_minute_before`.
local function sent_last_minute(fields, at)
  local minute = math.floor(at / 60000)
  local seen = tonumber(fields[1] or 0)
  if seen == minute then
    return tonumber(fields[3] or 0)
  end
  return seen == minute - 1 and tonumber(fields[2] or 0) or 0
end

-- Keeps in mind whether more may be heard of a message that ended.
local function note_settled(queue, id, state, at)
  if state.status == 'failed' or state.status == 'read' then
    redis.call('ZREM', queue.unsettled, id)
  else
    redis.call('ZADD', queue.unsettled, 'NX', whole(at), id)
  end
end

-- Ends a message that is in hand (in BullMQ's `active`). `keeps` is false where its body goes with its end; `ended` begins the channels of those who wait for it.
local function finish(queue, id, state, at, keeps, ended)
  local job = queue.prefix .. id
  local sent = was_sent(state)
  local reason = type(state.error) == 'table' and state.error.code or ''
  write_state(job, state)
  bull.moveToFinished({
    queue.wait, queue.active, queue.prioritized, '', '', '', queue.delayed, queue.paused, '', queue.counter,
    sent and queue.completed or queue.failed, job, '', '',
  }, {
    id, whole(at), sent and 'returnvalue' or 'failedReason', sent and 'null' or reason, sent and 'completed' or 'failed', '0',
    queue.prefix, cmsgpack.pack({ token = '0', keepJobs = { count = -1 }, attempts = 1, maxMetricsSize = '' }), '',
  })
  if not keeps then
    redis.call('HDEL', job, 'message')
  end
  count(queue, state, at)
  note_settled(queue, id, state, at)
  local waiter = redis.call('HGET', job, 'waiter')
  if waiter then
    redis.call('PUBLISH', ended .. waiter, id)
  end
end

-- Writes down what is learned of a message that has ended: it may turn out to have been sent.
local function correct(queue, id, before, state, at)
  local job = queue.prefix .. id
  write_state(job, state)
  if outcome(before) ~= outcome(state) then
    redis.call('HINCRBY', queue.stats, outcome(before), -1)
    count(queue, state, at)
  end
  if was_sent(state) and not was_sent(before) then
    local score = redis.call('ZSCORE', queue.failed, id)
    redis.call('ZREM', queue.failed, id)
    redis.call('ZADD', queue.completed, score or whole(at), id)
    redis.call('HDEL', job, 'failedReason')
    redis.call('HSET', job, 'returnvalue', 'null')
  elseif type(state.error) == 'table' then
    redis.call('HSET', job, 'failedReason', state.error.code)
  end
  note_settled(queue, id, state, at)
end

-- Puts messages whose time has come (`send_at`) at the end of their lines.
local function promote_due(queue, at)
  local due = redis.call('ZRANGEBYSCORE', queue.delayed, '-inf', (at + 1) * 4096 - 1, 'LIMIT', 0, 200)
  for _, id in ipairs(due) do
    bull.promote({
      queue.delayed, queue.wait, queue.paused, '', queue.prioritized, queue.active, queue.counter, '', '',
    }, { queue.prefix, id })
  end
end

-- Takes a message out of its line, into hand.
local function take(queue, id, at)
  redis.call('ZREM', queue.prioritized, id)
  redis.call('LPUSH', queue.active, id)
  redis.call('HSET', queue.prefix .. id, 'processedOn', whole(at))
end

-- Ends a message that waits, whether in its line or for its time.
local function finish_waiting(queue, id, state, at, keeps, ended)
  redis.call('ZREM', queue.delayed, id)
  take(queue, id, at)
  finish(queue, id, state, at, keeps, ended)
end

-- True where the page may have got it: `begin` was called.
local function is_begun(job)
  return redis.call('HGET', job, 'begun') == '1'
end
