-- Some rows of a copy, into a store that nobody else writes to: plain commands, then rows among those of their persons.
-- ARGV: commands; {family, letter or '' where the family has one list, {bucket, its number, field, rows}...}...; references in family p;
-- who copies, and for how many ms from now on nobody else may begin to, or 0. Whoever was followed writes nothing any more.
local P = '{gw}'
if redis.call('HGET', P .. 'm', 'copier') ~= ARGV[4] then return redis.error_reply('OVERTAKEN') end
if ARGV[5] ~= '0' then redis.call('SET', P .. 'restoring', ARGV[4], 'PX', ARGV[5]) end
for _, one in ipairs(cmsgpack.unpack(ARGV[1])) do redis.call(unpack(one)) end

for _, part in ipairs(cmsgpack.unpack(ARGV[2])) do
  local family, letter = part[1], part[2]
  for at = 3, #part do
    local bucket, number, field, rows = unpack(part[at])
    local raw = redis.call('HGET', bucket, field)
    local file = raw and cmsgpack.unpack(raw) or {}
    local list = letter == '' and file or file[letter] or {}
    for _, row in ipairs(rows) do list[#list + 1] = row end
    if letter ~= '' then file[letter] = list end
    redis.call('HSET', bucket, field, cmsgpack.pack(file))
    redis.call('SETBIT', P .. 'b:' .. family, number, 1)
  end
end

for _, one in ipairs(cmsgpack.unpack(ARGV[3])) do
  redis.call('HSET', one[1], one[2], (redis.call('HGET', one[1], one[2]) or '') .. one[3])
end
