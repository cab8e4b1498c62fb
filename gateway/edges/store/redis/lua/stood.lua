-- When each stand was reached: eight octets each, 4096 in a string, as a commit of its own must not cost more.
local STANDS = 4096

-- Microseconds, or nil for a stand that was never reached here.
local function stood_at(stand)
  if stand < 1 then return nil end
  local first = (stand - 1) % STANDS * 8
  local raw = redis.call('GETRANGE', P .. 'stood:' .. math.floor((stand - 1) / STANDS), first, first + 7)
  return #raw == 8 and struct.unpack('>d', raw) or nil
end

-- All of these at once: a new epoch leaves thousands out.
local function note_stood(first, last, at)
  local told = struct.pack('>d', at)
  while first <= last do
    local place = (first - 1) % STANDS
    local count = math.min(STANDS - place, last - first + 1)
    redis.call('SETRANGE', P .. 'stood:' .. math.floor((first - 1) / STANDS), place * 8, string.rep(told, count))
    first = first + count
  end
end

-- The last stand before this one that was reached, where one was.
local function stood_before(stand)
  for chunk = math.floor((stand - 2) / STANDS), 0, -1 do
    local length = redis.call('STRLEN', P .. 'stood:' .. chunk)
    if length > 0 then return chunk * STANDS + length / 8 end
  end
  return nil
end

-- Times never go back. Stands that were left out were nobody's: they get the time before them.
local function reach(stand, at)
  local before = stood_at(stand - 1)
  local last = not before and stand > 1 and stood_before(stand)
  if last then
    before = stood_at(last)
    note_stood(last + 1, stand - 1, before)
  end
  note_stood(stand, stand, before and before > at and before or at)
end
