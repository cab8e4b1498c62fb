-- Of one moment: the marks that verdicts rest on, and the raw rows asked for.
-- ARGV: epoch, stand seen, then (key, field) in turn.
if moved(ARGV[1], ARGV[2]) then return redis.error_reply('EPOCH') end
local marks = redis.call('HMGET', MARKS, 'stand', 'foreign', 'unsettled', 'arranged')
local found = {tonumber(marks[1] or 0), marks[2] and 1 or 0, marks[3] and 1 or 0, tonumber(marks[4] or 0), emptied and 1 or 0}
for at = 3, #ARGV, 2 do
  found[#found + 1] = redis.call('HGET', ARGV[at], ARGV[at + 1])
end
return found
