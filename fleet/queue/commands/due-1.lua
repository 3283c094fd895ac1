#!lua flags=no-writes
-- The sessions of workspaces that have something to do now.
-- KEYS[1] what queues begin with
-- ARGV    pairs of: workspace, its set of pending sessions
-- Returns pairs of workspace and session.
local at = now()
local found = {}
for index = 1, #ARGV, 2 do
  for _, session in ipairs(redis.call('SMEMBERS', ARGV[index + 1])) do
    local queue = queue_at(KEYS[1] .. ARGV[index] .. '.' .. session .. ':')
    local waits = redis.call('EXISTS', queue.active, queue.prioritized) > 0
    if not waits then
      local first = redis.call('ZRANGE', queue.delayed, 0, 0, 'WITHSCORES')[2]
      -- A queue that is empty is due as well: its owner comes, and takes the mark away.
      waits = not first or tonumber(first) / 4096 <= at
    end
    if waits then
      found[#found + 1] = ARGV[index]
      found[#found + 1] = session
    end
  end
end
return found
