-- A node has told all it has, or only asks; whoever comes last, with nothing to put back, ends the waiting.
-- ARGV: epoch, stand seen, node ('' to ask), its id, the change of the nodes that is known already, the machine it runs on, and for
-- how many ms that counts. Where another machine runs under its name it has to settle again, and learns why it cannot.
if moved(ARGV[1], ARGV[2]) or not alone(ARGV[3], ARGV[6]) then return redis.error_reply('EPOCH') end
if ARGV[3] ~= '' then runs(ARGV[3], ARGV[6], tonumber(ARGV[7])) end
if ARGV[3] ~= '' and redis.call('HGET', P .. 'confirmed', ARGV[3]) ~= ARGV[1] then
  redis.call('HSET', P .. 'confirmed', ARGV[3], ARGV[1], ARGV[3] .. ':' .. ARGV[4], ARGV[1])
end
local unsettled, restored = unpack(redis.call('HMGET', MARKS, 'unsettled', 'restored'))
local names, staged = {}, 0
if unsettled then
  names, staged = awaited(), redis.call('ZCARD', P .. 'staged')
  if #names == 0 and staged == 0 and not restored then
    conclude()
    unsettled = false
  end
end
local stand = tonumber(redis.call('HGET', MARKS, 'stand') or 0)
local change = tonumber(redis.call('HGET', MARKS, 'members') or 0)
local news = change ~= tonumber(ARGV[5])
return {stand, unsettled and 1 or 0, emptied and 1 or 0, names, staged, tonumber(restored or 0), change, news and members() or {}, news and bygone() or {}}
