-- Rows of people, kept as msgpack in buckets. A row has the columns of its table, the person left out; absent is false.
local ops = {}
-- What erasing a person means for each part: called with the operation and the stand.
local forgets = {}

local function load(place)
  local raw = redis.call('HGET', place[1], place[2])
  return raw and cmsgpack.unpack(raw) or nil
end

local function save(place, rows)
  if next(rows) == nil then
    redis.call('HDEL', place[1], place[2])
  elseif redis.call('HSET', place[1], place[2], cmsgpack.pack(rows)) == 1 then
    -- Which buckets of the family hold anybody, so that a listing asks for no others.
    redis.call('SETBIT', P .. 'b:' .. string.match(place[1], '}(%a+):'), tonumber(string.sub(place[1], -5), 16), 1)
  end
end

-- Whether the first `count` columns are the same.
local function same(row, other, count)
  for column = 1, count do
    if row[column] ~= other[column] then return false end
  end
  return true
end

-- Remember that something was erased, so that the log is written anew at the next compaction; from records their family is named.
local function erased(family)
  redis.call('HINCRBY', MARKS, 'erased:' .. (family or 's'), 1)
end

function ops.mark(one)
  redis.call('HSET', MARKS, one[2], string.format('%.0f', one[3]))
end

-- Told further down: the newest sealed address in the file at a place, '' for none.
local newest_sealed

-- Forget the mark, unless it was counted again since it was read.
function ops.unmark(one)
  if tonumber(redis.call('HGET', MARKS, one[2]) or 0) == one[3] then redis.call('HDEL', MARKS, one[2]) end
end
