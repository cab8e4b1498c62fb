-- Acts about nodes and epochs that are journalled as any other.

-- Who never comes back is no longer waited for, until data turn up that are older than this; what it alone had is given up.
function ops.retire(one)
  local epoch, stand = unpack(redis.call('HMGET', MARKS, 'epoch', 'stand'))
  local raw = redis.call('HGET', P .. 'nodes', one[2])
  local known = raw and cmsgpack.unpack(raw)
  if known and known[3] == 0 then
    redis.call('HSET', P .. 'bygone', one[2] .. ':' .. known[1], stand or 0)
    enter_node(one[2], known[1], known[2] + 1, 1)
  end
  local gone = bygone()
  for at = 1, #gone, 2 do
    if string.match(gone[at], '^[^:]*') == one[2] then redis.call('HSET', P .. 'confirmed', gone[at], epoch) end
  end
end

-- What was lost stays lost: somebody has said so, and what is there is from now on all there is.
function ops.begin_anew()
  redis.call('HDEL', MARKS, 'emptied')
end

-- Only where it is true, and before anything of its commit is written.
function ops.settled(one)
  local epoch, unsettled = unpack(redis.call('HMGET', MARKS, 'epoch', 'unsettled'))
  local pending = #awaited() > 0 or redis.call('ZCARD', P .. 'staged') > 0
  if epoch ~= one[2] or not unsettled or pending then return redis.error_reply('SETTLED') end
  conclude()
end
