-- While something is missing, {gw}anew remembers what became of each opposition since: the stand, and whether it was lifted.
-- {gw}claims remembers of the oppositions that nodes brought where they were taken, {gw}pasts of their lifts what came before.
-- Stands of different epochs tell no order: of data that were put back twice, two went on from the same one.
local SUBJECT = {oppose = true, lift = true}

local function subject(one)
  local row = one[4]
  return one[2][1] .. one[2][2] .. cmsgpack.pack({row[1], row[2], row[3], row[4]})
end

local function note_anew(operations, stand)
  if redis.call('HEXISTS', MARKS, 'unsettled') == 0 then return end
  for _, one in ipairs(operations) do
    if SUBJECT[one[1]] then redis.call('HSET', P .. 'anew', subject(one), cmsgpack.pack({stand, one[1]})) end
  end
end

-- One opposition more that a node brought: {epoch, stand}... of it.
local function claim(one, places)
  local about = subject(one)
  local raw = redis.call('HGET', P .. 'claims', about)
  local claims = raw and cmsgpack.unpack(raw) or {}
  table.insert(claims, places)
  redis.call('HSET', P .. 'claims', about, cmsgpack.pack(claims))
end

-- Whether all oppositions that nodes brought are known to have come before this lift.
local function comes_last(one, name)
  local raw = redis.call('HGET', P .. 'claims', subject(one))
  local past = cmsgpack.unpack(redis.call('HGET', P .. 'pasts', name))
  for _, places in ipairs(raw and cmsgpack.unpack(raw) or {}) do
    local known = false
    for _, place in ipairs(places) do
      known = known or (past[place[1]] or -1) >= place[2]
    end
    if not known then return false end
  end
  return true
end

-- Whether what a node brought does not count: it is older than what somebody did since, or a lift of which that is not certain.
local function overruled(one, order, name)
  if not SUBJECT[one[1]] then return false end
  local raw = redis.call('HGET', P .. 'anew', subject(one))
  local stand, what = unpack(raw and cmsgpack.unpack(raw) or {})
  if one[1] == 'lift' then return what == 'oppose' or not comes_last(one, name) end
  return what == 'lift' and order < stand
end
