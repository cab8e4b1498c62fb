-- ARGV: epoch, stand seen, then buckets of family c: the frames that people in them quote, each once.
if moved(ARGV[1], ARGV[2]) then return redis.error_reply('EPOCH') end
if emptied then return redis.error_reply('EMPTIED') end
local found, seen = {}, {}
for at = 3, #ARGV do
  for _, raw in ipairs(redis.call('HVALS', P .. 'c:' .. ARGV[at])) do
    for _, row in ipairs(cmsgpack.unpack(raw).c or {}) do
      if not seen[row[2]] then
        seen[row[2]] = true
        found[#found + 1] = row[2]
      end
    end
  end
end
return found
