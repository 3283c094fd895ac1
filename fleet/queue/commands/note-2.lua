#!lua flags=allow-oom
-- Adds what an ack tells of a message, ended or not; the rules of `toldByAck` in message-state.ts.
-- KEYS[1] what the queue begins with   KEYS[2] hash of epochs
-- ARGV[1] workspace   ARGV[2] epoch   ARGV[3] message   ARGV[4] WhatsApp's id   ARGV[5] ack   ARGV[6] the time as ISO 8601
-- Returns its state where something changed, else false.
if is_superseded(KEYS[2], ARGV[1], ARGV[2]) then
  return NOT_OWNER
end
local queue = queue_at(KEYS[1])
local job = queue.prefix .. ARGV[3]
if redis.call('EXISTS', job) == 0 then
  return false
end
local before = state_of(job)
local ack, time = tonumber(ARGV[5]), ARGV[6]
local told
if ack >= 3 then
  told = told_state('read', { sent_at = time, delivered_at = time, read_at = time })
elseif ack == 2 then
  told = told_state('delivered', { sent_at = time, delivered_at = time })
elseif ack == 1 then
  told = told_state('sent', { sent_at = time })
elseif ack < 0 and before.status == 'unknown' then
  local fault = { code = 'send_failed', detail = 'WhatsApp Web says that it could not send the message.' }
  told = told_state('failed', { error = fault, ended_at = time })
else
  return false
end
told.whatsapp_id = ARGV[4]
local state = advance(before, told)
local changed = state.whatsapp_id ~= before.whatsapp_id or state.status ~= before.status
for _, name in ipairs(TIMES) do
  changed = changed or state[name] ~= before[name]
end
if not changed then
  return false
end
if redis.call('HEXISTS', job, 'finishedOn') == 1 then
  correct(queue, ARGV[3], before, state, now())
else
  write_state(job, state)
end
return cjson.encode(state)
