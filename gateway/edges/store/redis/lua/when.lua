-- ARGV: epoch, stand seen, then 'last' and an instant: the last stand reached by then; or 'of' and stands: when each was reached.
if moved(ARGV[1], ARGV[2]) then return redis.error_reply('EPOCH') end
if emptied then return redis.error_reply('EMPTIED') end
if ARGV[3] == 'of' then
  local found = {}
  for at = 4, #ARGV do
    found[#found + 1] = stood_at(tonumber(ARGV[at])) or 0
  end
  return found
end
local by, low, high = tonumber(ARGV[4]), 0, tonumber(redis.call('HGET', MARKS, 'stand') or 0)
-- A new epoch begins at a stand that nobody has reached yet.
if not stood_at(high) then high = stood_before(high) or 0 end
while low < high do
  local middle = math.ceil((low + high) / 2)
  if (stood_at(middle) or 0) <= by then low = middle else high = middle - 1 end
end
return stood_at(low) and low or 0
