-- A node brings what the data may lack; it is applied once everybody has told, in the order in which it once happened.
-- ARGV: epoch, stand seen, node, {order, lift or not, name, payload}...
if moved(ARGV[1], ARGV[2]) then return redis.error_reply('EPOCH') end
local stand = redis.call('HINCRBY', MARKS, 'stand', 1)
redis.call('HSET', MARKS, 'unsettled', 1)
redis.call('HDEL', P .. 'confirmed', ARGV[3])
local low = tonumber(redis.call('HGET', MARKS, 'low') or 0)
for _, one in ipairs(cmsgpack.unpack(ARGV[4])) do
  -- A lift from before the data were last whole came too late: somebody may have opposed since.
  if one[2] == 0 or one[1] > low then
    redis.call('ZADD', P .. 'staged', string.format('%.1f', one[1]), one[3] .. '\0' .. one[4])
  end
end
return stand
