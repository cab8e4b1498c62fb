-- The machines whose word counts: {gw}nodes holds (id, turn, retired) by name, {gw}confirmed the epoch each has confirmed.
-- A turn counts joinings and retirements, so that of two memories the later one is known.
-- {gw}bygone holds, by `name:id`, who cannot tell again what it once brought, and the stand at which the data held all of it: nodes
-- that were retired, and copies. Data from before that stand are not whole until a person says so.

-- All that is known of the nodes: {name, id, turn, retired}...
local function members()
  local found, told = {}, redis.call('HGETALL', P .. 'nodes')
  for at = 1, #told, 2 do
    local one = cmsgpack.unpack(told[at + 1])
    table.insert(found, {told[at], one[1], one[2], one[3]})
  end
  return found
end

local function bygone()
  return redis.call('HGETALL', P .. 'bygone')
end

local function enter_node(name, id, turn, retired)
  redis.call('HSET', P .. 'nodes', name, cmsgpack.pack({id, turn, retired}))
  redis.call('HINCRBY', MARKS, 'members', 1)
end

-- The nodes that have not yet told what they have, of those that are waited for.
local function awaited()
  local epoch, names = redis.call('HGET', MARKS, 'epoch'), {}
  for _, one in ipairs(members()) do
    if one[4] == 0 and redis.call('HGET', P .. 'confirmed', one[1]) ~= epoch then table.insert(names, one[1]) end
  end
  local low, gone = tonumber(redis.call('HGET', MARKS, 'low') or 0), bygone()
  for at = 1, #gone, 2 do
    if tonumber(gone[at + 1]) > low and redis.call('HGET', P .. 'confirmed', gone[at]) ~= epoch then
      table.insert(names, string.match(gone[at], '^[^:]*'))
    end
  end
  return names
end

-- Everything is there again: what comes from now on is newer than anything a node may still bring.
local function conclude()
  redis.call('DEL', P .. 'staged', P .. 'anew', P .. 'claims', P .. 'pasts')
  redis.call('HDEL', MARKS, 'unsettled', 'restored')
  redis.call('HSET', MARKS, 'low', redis.call('HGET', MARKS, 'stand') or 0)
end
