-- ARGV: epoch, stand seen, then (writer, number) in turn: each entry as its stream has it, false for one that was trimmed.
if moved(ARGV[1], ARGV[2]) then return redis.error_reply('EPOCH') end
local found = {}
for at = 3, #ARGV, 2 do
  local id = ARGV[at + 1] .. '-0'
  found[#found + 1] = redis.call('XRANGE', P .. 'j:' .. ARGV[at], id, id)[1] or false
end
return found
