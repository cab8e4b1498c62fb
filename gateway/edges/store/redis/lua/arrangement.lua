-- What holds for everybody: `lists`, rows of (collector, version, at, partners, reason, since, number) by their first two;
-- `pauses`, (stream, at, why, since) by stream; `paused`, those that ended, with the stand after.
local function arranged(stand)
  redis.call('HSET', MARKS, 'arranged', stand)
end

-- A version that exists stays as it was first published.
function ops.publish(one, stand)
  local row, lists = one[2], P .. 'lists'
  local name = #row[1] .. ':' .. row[1] .. row[2]
  if redis.call('HEXISTS', lists, name) == 1 then return end
  row[6], row[7] = stand, redis.call('HINCRBY', MARKS, 'lists', 1)
  redis.call('HSET', lists, name, cmsgpack.pack(row))
  arranged(stand)
end

function ops.pause(one, stand)
  local row = one[2]
  row[4] = stand
  if redis.call('HSETNX', P .. 'pauses', row[1], cmsgpack.pack(row)) == 1 then arranged(stand) end
end

function ops.resume(one, stand)
  local raw = redis.call('HGET', P .. 'pauses', one[2])
  if not raw then return end
  local row = cmsgpack.unpack(raw)
  if row[4] < stand then
    row[5] = stand
    redis.call('RPUSH', P .. 'paused', cmsgpack.pack(row))
  end
  redis.call('HDEL', P .. 'pauses', one[2])
  arranged(stand)
end
