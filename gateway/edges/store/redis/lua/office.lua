-- Papers around the records.
local function new_number(name)
  return redis.call('HINCRBY', P .. 'numbers', name, 1)
end

local function row_of(key, field)
  local raw = redis.call('HGET', P .. key, field)
  return raw and cmsgpack.unpack(raw) or nil
end

-- A row by its name.
function ops.set(one)
  redis.call('HSET', P .. one[2], one[3], one[4])
end

-- Each partner's transfers are a stream, numbered across partners.
function ops.passing(one)
  local place, partner, at, row = one[2], one[3], one[4], one[5]
  local side, stream = load(place) or {}, P .. 'passed:' .. partner
  for _, known in ipairs(side.T or {}) do
    if known[1] == partner and known[3] == at then
      local id = string.format('%.0f-0', known[2])
      if redis.call('XRANGE', stream, id, id)[1][2][2] == row then return end
    end
  end
  local number = new_number('transfer')
  redis.call('SADD', P .. 'passed', partner)
  redis.call('XADD', stream, string.format('%.0f-0', number), 'r', row)
  side.T = side.T or {}
  table.insert(side.T, {partner, number, at})
  save(place, side)
end

-- A text that counts again after another did is a ruling of its own.
function ops.adopt(one)
  local of, label, row = one[2], one[3], one[4]
  if redis.call('HGET', P .. 'ruling:last', of) == label then return end
  local count = redis.call('RPUSH', P .. 'rulings', row)
  redis.call('HSETNX', P .. 'ruling', label, count - 1)
  redis.call('HSET', P .. 'ruling:last', of, label)
end

-- Rows of sign-ups end with whose the consents are, and their place in the order of asking.
local OF_PERSON, ADVERTISERS, ASKED = 2, 10, 11

local function disenrol(digest)
  local row = row_of('enrolment', digest)
  if not row then return false end
  local place = side_of(row[OF_PERSON])
  local side = load(place) or {}
  cut(side, 'E', function(known) return known[1] == digest end)
  save(place, side)
  redis.call('HDEL', P .. 'enrolment', digest)
  redis.call('ZREM', P .. 'enrolment:asked', row[ASKED])
  return true
end

function ops.disenrol(one)
  if disenrol(one[2]) then erased() end
end

function ops.enrol(one)
  local digest, place, row, asked = one[2], one[3], one[4], one[5]
  disenrol(digest)
  redis.call('HSET', P .. 'enrolment', digest, row)
  redis.call('ZADD', P .. 'enrolment:asked', 0, asked)
  local side = load(place) or {}
  put(side, 'E', {digest}, 1)
  save(place, side)
end

-- Kept mail: rows (mailbox, sealed mail, at, when), and its numbers in order of time.
function ops.keep(one)
  local row, when = one[2], one[3]
  local number = new_number('kept')
  redis.call('HSET', P .. 'kept', number, row)
  redis.call('ZADD', P .. 'kept:at', 0, when .. struct.pack('>I6', number))
end

local function discard(number, member)
  redis.call('HDEL', P .. 'kept', number)
  redis.call('ZREM', P .. 'kept:at', member)
  erased()
end

function ops.discard(one)
  local row = row_of('kept', one[2])
  if row then discard(one[2], row[4] .. struct.pack('>I6', one[2])) end
end

-- So many keys, and so many mails, of those that are older: the oldest.
function ops.sweep(one)
  local old = math.min(redis.call('ZCOUNT', P .. 'accepted', '-inf', below(one[2])), one[4])
  if old > 0 then redis.call('ZREMRANGEBYRANK', P .. 'accepted', 0, old - 1) end
  for _, member in ipairs(redis.call('ZRANGEBYLEX', P .. 'kept:at', '-', '(' .. one[3], 'LIMIT', 0, one[5])) do
    discard((struct.unpack('>I6', string.sub(member, -6))), member)
  end
end

-- Sign-ups with a consent for this advertiser; any, where none is named.
local function forget_sign_ups(place, advertiser)
  for _, known in ipairs((load(place) or {}).E or {}) do
    local row = row_of('enrolment', known[1])
    local theirs = advertiser == ''
    for _, of in ipairs(row and row[ADVERTISERS] or {}) do theirs = theirs or of == advertiser end
    if theirs and disenrol(known[1]) then erased() end
  end
end
