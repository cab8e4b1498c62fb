-- ARGV: epoch, stand seen, a family, then numbers of its buckets: their fields and values in turn; without numbers, which hold anybody.
if moved(ARGV[1], ARGV[2]) then return redis.error_reply('EPOCH') end
-- Oppositions are what the nodes bring back by themselves.
if emptied and ARGV[3] ~= 'o' then return redis.error_reply('EMPTIED') end
if #ARGV == 3 then return redis.call('GET', P .. 'b:' .. ARGV[3]) or '' end
local found = {}
for at = 4, #ARGV do
  found[#found + 1] = redis.call('HGETALL', P .. ARGV[3] .. ':' .. ARGV[at])
end
return found
