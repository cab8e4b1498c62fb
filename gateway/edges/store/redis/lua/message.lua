-- What is written with every message, and the side things of people.
-- Family s is what else there is about a person, a map of lists of rows:
-- T transfers (partner, number, at), E sign-ups (digest), N notes that wait (partner, errand, advertiser, scope, number), K tasks,
-- U own unsubscribes of tools and R routes (stream, sealed, at), S runs of failures (advertiser, count, first, last).
local function side_of(person)
  local a, b, c = string.byte(person .. '\0\0\0', 1, 3)
  return {string.format('%ss:%05x', P, a * 1024 + b * 4 + math.floor(c / 64)), string.sub(person, 3)}
end

-- Take out of a list what `goes`; whether anything went.
local function cut(file, name, goes)
  local kept, gone = {}, false
  for _, row in ipairs(file[name] or {}) do
    if goes(row) then gone = true else table.insert(kept, row) end
  end
  if gone then file[name] = #kept > 0 and kept or nil end
  return gone
end

-- Puts the row where the one with the same first `count` columns is, or at the end.
local function put(side, name, row, count)
  local rows = side[name] or {}
  local at = #rows + 1
  for known, one in ipairs(rows) do
    if same(one, row, count) then at = known end
  end
  rows[at] = row
  side[name] = rows
end

local function below(number)
  return string.format('(%.0f', number)
end

-- Members of a sorted set from before `old`; sixteen go with one of eight that come, so the set never holds much that is too old.
local function too_old(index, old)
  return old and redis.call('ZRANGEBYSCORE', index, '-inf', below(old), 'LIMIT', 0, 16) or {}
end

-- Remember in the sorted set `one[2]` when a key was there last.
function ops.seen(one)
  local index, key, at, old = P .. one[2], one[3], one[4], one[5]
  redis.call('ZADD', index, 'GT', at, key)
  for _, gone in ipairs(too_old(index, old)) do redis.call('ZREM', index, gone) end
end

-- An hour is a hash of its own; the first of it also drops what is too old for any report.
function ops.count(one)
  local hour, what, old = string.format('%.0f', one[2]), one[3], one[4]
  if redis.call('HINCRBY', P .. 'tally:' .. hour, what, 1) > 1 then return end
  redis.call('ZADD', P .. 'tally', hour, hour)
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', P .. 'tally', '-inf', below(old))) do
    redis.call('DEL', P .. 'tally:' .. gone)
    redis.call('ZREM', P .. 'tally', gone)
  end
end

-- Of a person in a stream the latest counts; whether this one does.
local function keep_latest(place, name, row)
  local side = load(place) or {}
  for _, known in ipairs(side[name] or {}) do
    if known[1] == row[1] and known[3] > row[3] then return false end
  end
  put(side, name, row, 1)
  save(place, side)
  return true
end

function ops.own(one)
  keep_latest(one[2], 'U', one[3])
end

-- How old routes are is kept beside them, by the person's key and the stream.
function ops.routes(one)
  local place, row, person, old = one[2], one[3], one[4], one[5]
  if keep_latest(place, 'R', row) then redis.call('ZADD', P .. 'routes', row[3], person .. row[1]) end
  for _, gone in ipairs(too_old(P .. 'routes', old)) do
    local theirs, stream = side_of(string.sub(gone, 1, #person)), string.sub(gone, #person + 1)
    local side = load(theirs) or {}
    cut(side, 'R', function(route) return route[1] == stream end)
    save(theirs, side)
    redis.call('ZREM', P .. 'routes', gone)
  end
end
