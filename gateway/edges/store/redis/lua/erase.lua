-- Erasing from a person's file, and remembering from which stand on earlier facts can no longer be told.
local function remember(file, advertiser, stand)
  local marks = file.x or {}
  local at = where(marks, {advertiser}, 1)
  marks[at or #marks + 1] = {advertiser, stand}
  file.x = marks
end

local function forget_records(one, stand)
  local file, advertiser, gone = load(one[2]), one[3], false
  if not file then return end
  local function of_theirs(row) return advertiser == '' or row[1] == advertiser end
  gone = cut(file, 'c', function(row) return advertiser == '' or frame(row[FRAME])[1] == advertiser end)
  for _, name in ipairs({'n', 'N', 'a', 'A'}) do
    gone = cut(file, name, of_theirs) or gone
  end
  if gone then
    remember(file, advertiser, stand)
    save(one[2], file)
    erased('c')
  end
end

table.insert(forgets, forget_records)

-- (name, place of family c, advertiser or '' for every one's, place of family s, person)
function ops.forget(one, stand)
  for _, part in ipairs(forgets) do part(one, stand) end
end

-- See `moments`: numbers are microseconds; texts are no instants and never over.
local function seconds_of(moment)
  if type(moment) == 'number' then
    local seconds = math.floor(moment / 1000000)
    return seconds, moment - seconds * 1000000
  end
  return moment[1], moment[2]
end

local function earlier(moment, other)
  if not moment or type(moment) == 'string' then return false end
  local seconds, rest = seconds_of(moment)
  local by, more = seconds_of(other)
  return seconds < by or (seconds == by and rest < more)
end

-- The records that ended before; and with them what only served to tell the facts of their time.
function ops.forget_withdrawn(one, stand)
  local file, advertiser, before, theirs = load(one[2]), one[3], one[4], {}
  if not file then return end
  local function over(row)
    local of = frame(row[FRAME])[1]
    if not earlier(row[WITHDRAWN], before) or (advertiser ~= '' and of ~= advertiser) then return false end
    theirs[of] = true
    return true
  end
  if not cut(file, 'c', over) then return end
  local function of_theirs(row) return theirs[row[1]] end
  cut(file, 'N', of_theirs)
  cut(file, 'A', of_theirs)
  for of in pairs(theirs) do remember(file, of, stand) end
  save(one[2], file)
  erased('c')
end
