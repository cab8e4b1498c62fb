-- The way back: notes for partners and tools, routes, runs of failures, tasks; and what of the side things goes with a person.
-- A note: (number, partner, person, advertiser, scope, at, errand, attempts, said, alarmed, due, sealed, its place by date).
local NOTE, PARTNER, ABOUT, ERRAND, TRIED, HEARD, ALARMED, DUE, SEALED, QUEUED = 1, 2, 3, 7, 8, 9, 10, 11, 12, 13
local RECEIPT = 10

local function save_note(row)
  redis.call('HSET', P .. 'outbox', row[NOTE], cmsgpack.pack(row))
end

local function queue(row, when)
  if row[QUEUED] then redis.call('ZREM', P .. 'outbox:due', row[QUEUED]) end
  row[QUEUED] = when and when .. struct.pack('>I6', row[NOTE])
  if when then redis.call('ZADD', P .. 'outbox:due', 0, row[QUEUED]) end
end

-- A note that waits already stays as it is, but for an address that was not known then.
function ops.tell(one)
  local place, file, key, person, at, when = one[2], one[3], one[4], one[5], one[6], one[7]
  local side = load(place) or {}
  for _, waits in ipairs(side.N or {}) do
    if same(waits, key, 4) then
      local row = row_of('outbox', waits[5])
      if row[SEALED] == '' then
        row[SEALED] = newest_sealed(file)
        save_note(row)
      end
      return
    end
  end
  local partner, errand, advertiser, scope = unpack(key)
  local number = new_number('note')
  local row = {number, partner, person, advertiser, scope, at, errand, 0, '', 0, at, newest_sealed(file), false}
  queue(row, when)
  save_note(row)
  redis.call('ZADD', P .. 'outbox:' .. partner, number, number)
  redis.call('SADD', P .. 'partners', partner)
  side.N = side.N or {}
  table.insert(side.N, {partner, errand, advertiser, scope, number})
  save(place, side)
end

function ops.again(one)
  local row = row_of('outbox', one[2])
  if not row then return end
  row[TRIED], row[DUE], row[HEARD] = row[TRIED] + 1, one[3], one[5]
  queue(row, one[4])
  save_note(row)
end

function ops.alarmed(one)
  local row = row_of('outbox', one[2])
  if not row then return end
  row[ALARMED] = math.max(row[ALARMED], one[3])
  save_note(row)
end

-- A partner's receipts are a stream. Its milliseconds are never before the told ones, so that who asks since a time misses none.
local function keep_receipt(partner, at, receipt)
  local stream = P .. 'told:' .. partner
  local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  local after = last and tonumber(string.match(last[1], '^%d+')) or 0
  redis.call('XADD', stream, string.format('%.0f-0', math.max(after + 1, math.floor(at / 1000))), 'r', cmsgpack.pack(receipt))
end

-- The note becomes a receipt without the address; a tool's own unsubscribe has served, and comes with its next mail.
function ops.done(one)
  local number, at = one[2], one[3]
  local row = row_of('outbox', number)
  if not row then return end
  local receipt = {unpack(row, 1, RECEIPT)}
  receipt[RECEIPT + 1], receipt[RECEIPT + 2], receipt[RECEIPT + 3] = at, one[4], one[5]
  keep_receipt(row[PARTNER], at, receipt)
  queue(row, false)
  redis.call('HDEL', P .. 'outbox', number)
  redis.call('ZREM', P .. 'outbox:' .. row[PARTNER], number)
  local place = side_of(row[ABOUT])
  local side = load(place) or {}
  cut(side, 'N', function(waits) return waits[5] == number end)
  local fired = row[ERRAND] == 'tool' and cut(side, 'U', function(own) return own[1] == row[PARTNER] end)
  save(place, side)
  if fired or row[SEALED] ~= '' then erased() end
end

function ops.soft(one)
  local side, run = load(one[2]) or {}, one[3]
  if run[2] then
    put(side, 'S', run, 1)
  else
    cut(side, 'S', function(known) return known[1] == run[1] end)
  end
  save(one[2], side)
end

-- A task: (id, kind, person, advertiser, stream, asks, note, closed by, outcome, sealed, opened, due, reminded, told, closed,
-- forgotten, place in the order of dates). Once its person is forgotten its text goes when it is closed, whatever the closer holds.
local FOR, TEXT, CLOSED, FORGOTTEN, PLACE = 4, 10, 15, 16, 17

local function save_task(row)
  redis.call('HSET', P .. 'task', row[1], cmsgpack.pack(row))
end

local function file_task(row, command, ...)
  local rest = {...}
  table.insert(rest, row[PLACE])
  redis.call(command, P .. 'task:all', unpack(rest))
  if not row[CLOSED] then redis.call(command, P .. 'task:open', unpack(rest)) end
end

function ops.task(one)
  local row = one[2]
  local before = row_of('task', row[1])
  if before then
    file_task(before, 'ZREM')
    row[FORGOTTEN] = before[FORGOTTEN]
    if row[FORGOTTEN] == 1 and row[CLOSED] then
      row[TEXT] = ''
      erased()
    end
  end
  file_task(row, 'ZADD', 0)
  save_task(row)
  if before and before[ABOUT] == row[ABOUT] then return end
  if before then
    local place = side_of(before[ABOUT])
    local side = load(place) or {}
    cut(side, 'K', function(known) return known[1] == row[1] end)
    save(place, side)
  end
  if row[ABOUT] ~= '' then
    local place = side_of(row[ABOUT])
    local side = load(place) or {}
    put(side, 'K', {row[1]}, 1)
    save(place, side)
  end
end

local function forget_tasks(side, advertiser)
  for _, known in ipairs(side.K or {}) do
    local row = row_of('task', known[1])
    if advertiser == '' or row[FOR] == advertiser then
      row[FORGOTTEN] = 1
      if row[CLOSED] then row[TEXT] = '' end
      save_task(row)
      erased()
    end
  end
end

-- Sign-ups, runs of failures, the text of closed tasks; own unsubscribes and routes whatever the advertiser. A tool that must
-- still be told of an opposition is told by its own unsubscribe, which goes when that note ends.
table.insert(forgets, function(one)
  local advertiser, place, person, told = one[3], one[4], one[5], {}
  forget_sign_ups(place, advertiser)
  local side = load(place)
  if not side then return end
  for _, waits in ipairs(side.N or {}) do
    if waits[2] == 'tool' then told[waits[1]] = true end
  end
  local soft = cut(side, 'S', function(run) return advertiser == '' or run[1] == advertiser end)
  local own = cut(side, 'U', function(row) return not told[row[1]] end)
  for _, route in ipairs(side.R or {}) do redis.call('ZREM', P .. 'routes', person .. route[1]) end
  local routes = cut(side, 'R', function() return true end)
  save(place, side)
  if soft or own or routes then erased() end
  forget_tasks(side, advertiser)
end)
