-- What the commands of the coordination share.

-- Removes a field of a hash, if the key is one.
local function remove(key, field)
  redis.pcall('HDEL', key, field)
end

-- A key of another type must not stand in the way of what is written for ever.
local function make_room(key, kind)
  local found = redis.call('TYPE', key).ok
  if found ~= kind and found ~= 'none' then
    redis.call('DEL', key)
  end
end

-- Which Redis this is: its era (empty where it has none) and the server's run id.
local function identity(era)
  return { read('GET', era) or '', string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or '' }
end

-- Who holds a lease, and whether it runs: incarnation, state; nothing where nobody does.
local function lease(key)
  local incarnation = read('HGET', key, 'incarnation')
  if incarnation then
    return incarnation, read('HGET', key, 'state')
  end
end

local function decoded(text)
  local read_well, value = pcall(cjson.decode, text)
  if read_well and type(value) == 'table' then
    return value
  end
end

local function is_epoch(value)
  return type(value) == 'number' and value >= 1 and value <= 9007199254740991 and value % 1 == 0
end

-- A workspace's assignment, or nothing where there is none or it cannot be understood.
local function assignment_of(key, workspace)
  local text = read('HGET', key, workspace)
  local found = text and decoded(text)
  if not found or not is_epoch(found.epoch) then
    return nil
  end
  local id = type(found.workspace_id) == 'number' and whole(found.workspace_id) or found.workspace_id
  if id ~= workspace or type(found.instance) ~= 'string' or type(found.incarnation) ~= 'string' then
    return nil
  end
  if found.claimed == nil then
    found.claimed = true
  end
  if type(found.claimed) ~= 'boolean' or (found.since ~= nil and type(found.since) ~= 'number') then
    return nil
  end
  return found
end

-- Takes a workspace, and the order for it, from the instance that has it; from all where it cannot be read who has it.
-- `keep` keeps its order: that may be for what it is assigned now.
local function take_away(keys, workspace, before, keep)
  if not before then
    for _, instance in ipairs(read('SMEMBERS', keys.known) or {}) do
      remove(keys.assigned .. instance, workspace)
    end
    return
  end
  remove(keys.assigned .. before.instance, workspace)
  if before.instance ~= keep then
    remove(keys.orders .. before.instance, workspace)
  end
end

-- Writes an assignment in all its places, and tells those who follow. `epoch` and `since` are texts.
local function assign(keys, before, new)
  local text = '{"workspace_id":' .. cjson.encode(new.workspace) .. ',"epoch":' .. new.epoch
    .. ',"instance":' .. cjson.encode(new.instance) .. ',"incarnation":' .. cjson.encode(new.incarnation)
    .. ',"claimed":' .. tostring(new.claimed) .. ',"since":' .. new.since .. '}'
  take_away(keys, new.workspace, before, new.instance)
  local orders = keys.orders .. new.instance
  local order = read('HGET', orders, new.workspace)
  if order then
    local known = decoded(order)
    if not known or not is_epoch(known.epoch) or whole(known.epoch) ~= new.epoch then
      remove(orders, new.workspace)
    end
  end
  local assigned = keys.assigned .. new.instance
  make_room(keys.assignments, 'hash')
  make_room(assigned, 'hash')
  make_room(keys.known, 'set')
  redis.call('HSET', keys.assignments, new.workspace, text)
  redis.call('HSET', assigned, new.workspace, new.epoch .. ':' .. (new.claimed and '1' or '0'))
  redis.call('SADD', keys.known, new.instance)
  redis.call('PUBLISH', keys.changes, '{"kind":"assignment","assignment":' .. text .. '}')
end
