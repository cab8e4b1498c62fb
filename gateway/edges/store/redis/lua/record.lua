-- Records: family c, a person's file: a map of lists of rows.
-- c consents: (id, frame, collected, notice sent, acquired, confirmed, withdrawn, recorded, function, professional proof, more, sealed
--   address, since, ended), oldest first; `more` is (relation at, relation ended, asked) or false
-- n notices: (advertiser, kind, source, at, template, since); N those that ended, each with the stand after
-- a acts: (advertiser, at, since); A as N
-- O oppositions that ended; x what was erased: (advertiser, stand)
local FRAME, WITHDRAWN, MORE, SINCE, ENDED = 2, 7, 11, 13, 14
local SAID = {3, 4, 5, 6, 9, 10}

-- Frames: (advertiser, purpose, basis, covers; audience, source, action, wording, list version, product family, missing, traits,
-- relation kind, relation by; wording id, form, presentation, language, writer, batch).
local KIND, TOLD, PROVES = 4, 14, {15, 16, 17, 18}
local brought, kept, frames = {}, {}, {}

local function frame(digest)
  if not frames[digest] then
    local text = brought[digest] or redis.call('HGET', P .. 'frames', digest)
    frames[digest] = text and cmsgpack.unpack(text) or {}
  end
  return frames[digest]
end

local function equal(one, other)
  return one == other or (type(one) == 'table' and type(other) == 'table' and cmsgpack.pack(one) == cmsgpack.pack(other))
end

-- Whether a record says what the other does; the end, the day of its filing and the proof do not count.
local function says_the_same(row, new)
  if row[FRAME] ~= new[FRAME] and not same(frame(row[FRAME]), frame(new[FRAME]), TOLD) then return false end
  for _, column in ipairs(SAID) do
    if not equal(row[column], new[column]) then return false end
  end
  local more, other = row[MORE] or {}, new[MORE] or {}
  return equal(more[1] or false, other[1] or false) and equal(more[2] or false, other[2] or false)
end

local function proves_more(row, new)
  local proven, proof = frame(row[FRAME]), frame(new[FRAME])
  for _, column in ipairs(PROVES) do
    if proof[column] ~= '' and proven[column] == '' then return true end
  end
  return (new[MORE] and new[MORE][3] and not (row[MORE] and row[MORE][3])) and true or false
end

-- The newest record of its kind: rows come in the order of their numbers.
local function newest(rows, new)
  local kind = frame(new[FRAME])
  for at = #rows, 1, -1 do
    if same(frame(rows[at][FRAME]), kind, KIND) then return rows[at] end
  end
  return nil
end

-- Before all else of a commit: one that cannot be kept must stop it whole.
function ops.frame(one)
  local known = redis.call('HGET', P .. 'frames', one[2])
  if known and known ~= one[3] then error('another frame has this digest') end
  brought[one[2]] = one[3]
end

-- Once a commit, with the stand at which somebody last quoted it.
local function keep_frame(digest, stand)
  if not kept[digest] then
    redis.call('HSETNX', P .. 'frames', digest, brought[digest])
    redis.call('HSET', P .. 'quoted', digest, stand)
    kept[digest] = true
  end
end

function ops.learn(one, stand)
  local file, new = load(one[2]) or {}, one[3]
  file.c = file.c or {}
  local known = newest(file.c, new)
  if known and says_the_same(known, new) then
    if new[WITHDRAWN] and not known[WITHDRAWN] then
      known[WITHDRAWN], known[ENDED] = new[WITHDRAWN], stand
      return save(one[2], file)
    end
    if not proves_more(known, new) then return end
  end
  keep_frame(new[FRAME], stand)
  new[1], new[SINCE] = redis.call('HINCRBY', MARKS, 'records', 1), stand
  table.insert(file.c, new)
  save(one[2], file)
end

function ops.withdraw(one, stand)
  local file, advertiser, purpose, changed = load(one[2]) or {}, one[3], one[4], false
  for _, row in ipairs(file.c or {}) do
    local of = frame(row[FRAME])
    if not row[WITHDRAWN] and of[1] == advertiser and (purpose == '' or of[2] == purpose) then
      row[WITHDRAWN], row[ENDED], changed = one[5], stand, true
    end
  end
  if changed then save(one[2], file) end
end

-- Forget frames that nobody was found to quote at a stand, unless somebody has since.
function ops.drop_frames(one)
  for at = 3, #one do
    if tonumber(redis.call('HGET', P .. 'quoted', one[at]) or 0) <= one[2] then
      redis.call('HDEL', P .. 'frames', one[at])
      redis.call('HDEL', P .. 'quoted', one[at])
    end
  end
end

function newest_sealed(place)
  local rows = (load(place) or {}).c or {}
  for at = #rows, 1, -1 do
    if rows[at][12] ~= '' then return rows[at][12] end
  end
  return ''
end

-- Where the row with these first columns is.
local function where(rows, key, count)
  for at, row in ipairs(rows) do
    if same(row, key, count) then return at end
  end
  return nil
end

-- Take a row out; it is kept with its end where it stood before this commit. The last column says since when.
local function finish(file, name, past, at, stand)
  local row = table.remove(file[name], at)
  if row[#row] < stand then
    file[past] = file[past] or {}
    table.insert(row, stand)
    table.insert(file[past], row)
  end
  if #file[name] == 0 then file[name] = nil end
end

local function begin(file, name, row, stand)
  file[name] = file[name] or {}
  table.insert(row, stand)
  table.insert(file[name], row)
end

-- `latest`: of the same question the last time counts, of all else the first.
function ops.notice(one, stand)
  local file, new, latest = load(one[2]) or {}, one[3], one[4]
  local at = where(file.n or {}, new, 3)
  if at then
    local known = file.n[at][4]
    if latest and new[4] <= known or not latest and new[4] >= known then return end
    finish(file, 'n', 'N', at, stand)
  end
  begin(file, 'n', new, stand)
  save(one[2], file)
end

function ops.unnotice(one, stand)
  local file = load(one[2]) or {}
  local at = where(file.n or {}, one[3], 4)
  if at then
    finish(file, 'n', 'N', at, stand)
    save(one[2], file)
  end
end

function ops.act(one, stand)
  local file, new = load(one[2]) or {}, one[3]
  local at = where(file.a or {}, new, 1)
  if at then
    if new[2] <= file.a[at][2] then return end
    finish(file, 'a', 'A', at, stand)
  end
  begin(file, 'a', new, stand)
  save(one[2], file)
end
