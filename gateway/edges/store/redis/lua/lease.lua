-- Leases: a row is (owner, number, until, begun, epoch), in milliseconds of this server's clock, and is never deleted.
-- ARGV: epoch, stand seen, name, owner, then how long to have it and '', or '' and the number to release.
if moved(ARGV[1], ARGV[2]) then return redis.error_reply('EPOCH') end
local epoch, name, owner = ARGV[1], ARGV[3], ARGV[4]
local time = redis.call('TIME')
local micros = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now = math.floor(micros / 1000)
local raw = redis.call('HGET', P .. 'leases', name)
local holder, number, ends, begun, of = unpack(raw and cmsgpack.unpack(raw) or {'', 0, 0, 0, epoch})

local function write(...)
  redis.call('HSET', P .. 'leases', name, cmsgpack.pack({...}))
end

if ARGV[5] == '' then
  if holder == owner and string.format('%.0f', number) == ARGV[6] then write('', number, 0, 0, of) end
  return 0
end

-- A later run of the holder's place, of which only one at a time lives; an earlier one never takes the lease back.
local function succeeds()
  local place, run = string.match(owner, '^(.+)/(.*)$')
  local before, its_run = string.match(holder, '^(.+)/(.*)$')
  return place and place == before and run > its_run
end

-- A clock that was set back leaves ends far ahead: a lease that began later than now has ended too.
if holder ~= owner then
  if begun <= now and now < ends and not succeeds() then return 0 end
  number = number + 1
  -- After a failover or a flush, leases given out before may be missing here: no number of theirs comes again.
  local used = tonumber(redis.call('HGET', MARKS, 'stand') or 0) > 0
  if (not raw and used) or of ~= epoch then number = math.max(number, micros) end
end
write(owner, number, now + tonumber(ARGV[5]), now, epoch)
return string.format('%.0f', number)
