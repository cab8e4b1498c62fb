-- What the archive holds is forgotten here: a chain's oldest entries, and the references to them beside their persons.
function ops.trim(one)
  local writer, upto, places = one[2], one[3], one[4]
  local known = tonumber(redis.call('HGET', P .. 'writers', writer) or 0)
  for _, place in ipairs(places) do
    local before, kept = redis.call('HGET', place[1], place[2]) or '', {}
    for at = 1, #before, 8 do
      local number, seq = struct.unpack('>HI6', before, at)
      if number ~= known or seq > upto then table.insert(kept, string.sub(before, at, at + 7)) end
    end
    if #kept == 0 then
      redis.call('HDEL', place[1], place[2])
    else
      redis.call('HSET', place[1], place[2], table.concat(kept))
    end
  end
  redis.call('XTRIM', P .. 'j:' .. writer, 'MINID', string.format('%d-0', upto + 1))
end
