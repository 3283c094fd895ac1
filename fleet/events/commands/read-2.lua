#!lua flags=no-writes
-- Events of one stream after a position.
-- KEYS[1] stream   KEYS[2] what was forgotten
-- ARGV[1] position   ARGV[2] how many at most
-- Returns the position up to which events may be missing, then position and event of each.
local answer = { read('HGET', KEYS[2], KEYS[1]) or '0' }
for _, entry in ipairs(read('XRANGE', KEYS[1], '(' .. ARGV[1] .. '-0', '+', 'COUNT', ARGV[2]) or {}) do
  answer[#answer + 1] = position_of(entry[1])
  answer[#answer + 1] = entry[2][2]
end
return answer
