-- Some of what was brought, in order; how many wait after it. An opposition that somebody changed since stays as they left it;
-- a withdrawal ends later consents too: which was later is not certain.
-- ARGV: epoch, stand seen, instant, how many.
if moved(ARGV[1], ARGV[2]) then return redis.error_reply('EPOCH') end
if #awaited() > 0 then return 0 end
local chunk = redis.call('ZRANGE', P .. 'staged', 0, tonumber(ARGV[4]) - 1, 'WITHSCORES')
if #chunk == 0 then return 0 end

local waiting = {}
for at = 1, #chunk, 2 do
  local name, payload = string.match(chunk[at], '^(%Z*)%z(.*)$')
  for _, one in ipairs(cmsgpack.unpack(payload)) do
    -- Of a newer gateway, which will see to it.
    if not ops[one[1]] then return redis.error_reply('NEWER') end
    table.insert(waiting, {one, tonumber(chunk[at + 1]), name})
  end
end

local stand = redis.call('HINCRBY', MARKS, 'stand', 1)
reach(stand, tonumber(ARGV[3]))
for _, pair in ipairs(waiting) do
  local one, order, name = unpack(pair)
  if not overruled(one, order, name) then ops[one[1]](one, stand) end
end
redis.call('ZREMRANGEBYRANK', P .. 'staged', 0, #chunk / 2 - 1)
redis.call('HINCRBY', MARKS, 'restored', #chunk / 2)
return redis.call('ZCARD', P .. 'staged')
