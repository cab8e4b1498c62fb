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
  else
    redis.call('HSET', place[1], place[2], cmsgpack.pack(rows))
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

-- Remember that something was erased, so that the log is written anew at the next compaction.
local function erased()
  redis.call('HINCRBY', MARKS, 'erased', 1)
end

function ops.mark(one)
  redis.call('HSET', MARKS, one[2], string.format('%.0f', one[3]))
end

-- How often something was erased in a family of rows since it was last compacted.
local function erased(family)
  redis.call('HINCRBY', MARKS, 'erased:' .. family, 1)
end

-- Told by one part, used by another: the newest sealed address in a person's file ('' for none), and the erasure of side things.
local newest_sealed, forget_side
