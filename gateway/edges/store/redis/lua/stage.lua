-- A node brings what the data may lack; it is applied once everybody has told, in the order in which it once happened.
-- ARGV: epoch, stand seen, node, {order, name, payload, what came before a lift: {epoch: stand}, where else it was: {epoch, stand}...}...
if moved(ARGV[1], ARGV[2]) then return redis.error_reply('EPOCH') end
if redis.call('HEXISTS', MARKS, 'unsettled') == 0 then
  redis.call('HSET', MARKS, 'low', redis.call('HGET', MARKS, 'stand') or 0, 'unsettled', 1)
end
local stand = redis.call('HINCRBY', MARKS, 'stand', 1)
redis.call('HDEL', P .. 'confirmed', ARGV[3])

-- The place at which the data were last whole.
local low, whole = tonumber(redis.call('HGET', MARKS, 'low') or 0), nil
for _, raw in ipairs(redis.call('LRANGE', P .. 'epochs', 0, -1)) do
  local one = cmsgpack.unpack(raw)
  if one[2] < low then whole = one[1] end
end

for _, one in ipairs(cmsgpack.unpack(ARGV[4])) do
  local order, name, payload, past, places = unpack(one)
  local lifts = false
  for _, operation in ipairs(cmsgpack.unpack(payload)) do
    if operation[1] == 'oppose' then claim(operation, places) end
    lifts = lifts or operation[1] == 'lift'
  end
  -- A lift that the data, as they were last whole, did not come before is too late: somebody may have opposed since.
  if not lifts or not whole or (past[whole] or -1) >= low then
    redis.call('ZADD', P .. 'staged', string.format('%.1f', order), name .. '\0' .. payload)
    if lifts then redis.call('HSET', P .. 'pasts', name, cmsgpack.pack(past)) end
  end
end
return stand
