#!lua flags=no-writes
-- Events of all streams after a position.
-- KEYS[1] index   KEYS[2] what was forgotten
-- ARGV[1] position   ARGV[2] how many at most   ARGV[3] what the key of a workspace's stream begins with   ARGV[4] the fleet's stream
-- Returns the position up to which events may be missing, then position and event of each; the event is empty where it was removed.
local answer = { read('HGET', KEYS[2], KEYS[1]) or '0' }
for _, entry in ipairs(read('XRANGE', KEYS[1], '(' .. ARGV[1] .. '-0', '+', 'COUNT', ARGV[2]) or {}) do
  local workspace = cjson.decode(entry[2][2])
  local stream = workspace == cjson.null and ARGV[4] or ARGV[3] .. workspace
  local found = (read('XRANGE', stream, entry[1], entry[1]) or {})[1]
  answer[#answer + 1] = position_of(entry[1])
  answer[#answer + 1] = found and found[2][2] or ''
end
return answer
