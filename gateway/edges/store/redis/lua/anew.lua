-- While something is missing, {gw}anew remembers what became of each opposition since: the stand, and whether it was lifted.
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

-- Whether what a node brought is older than what somebody did since; an opposition on top of another only makes its date earlier.
local function overruled(one, order)
  if not SUBJECT[one[1]] then return false end
  local raw = redis.call('HGET', P .. 'anew', subject(one))
  if not raw then return false end
  local stand, name = unpack(cmsgpack.unpack(raw))
  return order < stand and not (name == 'oppose' and one[1] == 'oppose')
end
