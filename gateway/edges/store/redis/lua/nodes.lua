-- The machines whose word counts: {gw}nodes holds (id, turn, retired) by name, {gw}confirmed the epoch each has confirmed.
-- A turn counts joinings and retirements, so that of two memories the later one is known.

-- The nodes that have not yet told what they have, of those that are waited for.
local function awaited()
  local epoch, names = redis.call('HGET', MARKS, 'epoch'), {}
  local told = redis.call('HGETALL', P .. 'nodes')
  for at = 1, #told, 2 do
    local retired = cmsgpack.unpack(told[at + 1])[3] == 1
    if not retired and redis.call('HGET', P .. 'confirmed', told[at]) ~= epoch then table.insert(names, told[at]) end
  end
  return names
end

-- Everything is there again: what comes from now on is newer than anything a node may still bring.
local function conclude()
  redis.call('DEL', P .. 'staged', P .. 'anew')
  redis.call('HDEL', MARKS, 'unsettled', 'restored')
  redis.call('HSET', MARKS, 'low', redis.call('HGET', MARKS, 'stand') or 0)
end
