-- A process offers to fill an emptied store from a backup of its machine; who has the newest begins, one at a time.
-- ARGV: its name, '' to ask only; when its backup was begun; 1 where that is proven, 0 where it is at it, -1 to withdraw; a token;
-- how many ms an offer counts, one has to wait for others (a third of it where everybody was watching somebody else's attempt), and
-- a beginning lasts without being heard of.
-- Answers a word: whole (nothing was lost), partly (something is left: for a person to judge), copying (a person is at it), restoring
-- (another is at it), emptied (it can begin), wait, or begun: begun by the asker, `again` where another did not come to its end.
local P = '{gw}'
local MARKS = P .. 'm'
local name, begun, proven, token = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local counts, waits = tonumber(ARGV[5]), tonumber(ARGV[6])

local keys, emptied, flushed, restoring, aside = unpack(redis.call('HMGET', MARKS, 'keys', 'emptied', 'flushed', 'restoring', 'aside'))
if keys == 'copying' then
  if not restoring then return 'copying' end
elseif not emptied or not flushed then
  return emptied and 'partly' or 'whole'
end
if keys == 'copying' then waits = waits / 3 end
if redis.call('EXISTS', P .. 'restoring') == 1 then return 'restoring' end
if name == '' then return 'emptied' end
if proven == '-1' then
  redis.call('HDEL', P .. 'offers', name)
  return 'emptied'
end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local first, newer, told = now, false, redis.call('HGETALL', P .. 'offers')
for at = 1, #told, 2 do
  local of, since, last = unpack(cmsgpack.unpack(told[at + 1]))
  local counts_still = math.abs(now - last) < counts
  if told[at] == name then
    if counts_still then first = since end
  elseif counts_still and of > begun then
    newer = true
  end
end
redis.call('HSET', P .. 'offers', name, cmsgpack.pack({begun, first, now}))
if proven == '0' or newer or now - first < waits then return 'wait' end

redis.call('SET', P .. 'restoring', token, 'PX', ARGV[7])
redis.call('DEL', MARKS, P .. 'offers')
redis.call('HSET', MARKS, 'keys', 'copying', 'copier', token, 'restoring', 1)
if keys == 'copying' and aside then redis.call('HSET', MARKS, 'aside', aside) end
return keys == 'copying' and 'again' or 'begun'
