-- Acts about nodes and epochs that are journalled as any other.

-- A node that never comes back is no longer waited for; what it alone had is given up.
function ops.retire(one)
  local raw = redis.call('HGET', P .. 'nodes', one[2])
  if not raw then return end
  local known = cmsgpack.unpack(raw)
  enter_node(one[2], known[1], known[2] + 1, 1)
  redis.call('HDEL', P .. 'confirmed', one[2])
end

-- Only where it is true, and before anything of its commit is written.
function ops.settled(one)
  local epoch, unsettled = unpack(redis.call('HMGET', MARKS, 'epoch', 'unsettled'))
  local pending = #awaited() > 0 or redis.call('ZCARD', P .. 'staged') > 0
  if epoch ~= one[2] or not unsettled or pending then error('not settled') end
  conclude()
end
