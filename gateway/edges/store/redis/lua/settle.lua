-- A process comes in: it learns the epoch, or begins a new one where this is not the data it was, and its node is entered.
-- ARGV: node ('' for one that only looks on), its id, mark of the keys, highest stand seen, name for a new epoch,
-- the nodes remembered: {name, id, turn, retired}, and who is gone: {name:id, stand}; the machine it runs on.
-- Where no data are, or others than a node remembers, everything was lost: the mark `emptied` says so until a copy is put back.
-- The mark `flushed` beside it says that nothing but evidence was left, so that a copy takes nothing away.
-- Stands of a new epoch begin far above any that somebody may have seen of the one before: a stand never comes twice.
local GAP = 16384
local LEFT = [[b:o b:c b:s frames lists pauses paused tool api_key rulings enrolment outbox partners passed task kept cursor tally
  accepted remembered staged]]
local node, id, keys, seen = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local found = redis.call('HMGET', MARKS, 'epoch', 'run', 'stand', 'keys', 'unsettled', 'born', 'emptied')
if found[4] == 'copying' then return redis.error_reply('COPYING') end
if found[4] and found[4] ~= keys then return redis.error_reply('KEYS') end

local nodes, changed, known_here = {}, {}, false
for _, one in ipairs(members()) do nodes[one[1]] = {one[2], one[3], one[4]} end
local remembered = cmsgpack.unpack(ARGV[6])
for _, one in ipairs(remembered) do
  local known = nodes[one[1]]
  known_here = known_here or known and known[1] == one[2]
  -- Of two that know equally late, the one that waits for the node is believed.
  if not known or known[2] < one[3] or (known[2] == one[3] and known[3] > one[4]) then
    nodes[one[1]], changed[one[1]] = {one[2], one[3], one[4]}, true
  end
end
if node ~= '' then
  local own = nodes[node]
  if own and own[3] == 0 and own[1] ~= id then return redis.error_reply('TWIN') end
  if not alone(node, ARGV[8]) then return redis.error_reply('RUNS') end
  if not own or own[3] == 1 then
    nodes[node], changed[node] = {id, (own and own[2] or 0) + 1, 0}, true
  end
end

local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local epoch, stand, unsettled, emptied = found[1], tonumber(found[3] or 0), found[5], found[7]
if not found[4] or (found[6] and stand < seen and not known_here) then
  if seen > 0 or #remembered > 0 then
    local left = {}
    for name in string.gmatch(LEFT, '%S+') do table.insert(left, P .. name) end
    emptied = '1'
    redis.call('HDEL', MARKS, 'born', 'flushed')
    redis.call('HSET', MARKS, 'emptied', 1)
    if redis.call('EXISTS', unpack(left)) == 0 then redis.call('HSET', MARKS, 'flushed', 1) end
  else
    redis.call('HSET', MARKS, 'born', 1)
  end
end
if not epoch or found[2] ~= run or stand < seen then
  epoch = ARGV[5]
  redis.call('RPUSH', P .. 'epochs', cmsgpack.pack({epoch, stand}))
  if not unsettled then redis.call('HSET', MARKS, 'low', stand) end
  -- Only where nobody remembers anything is it the beginning.
  if stand > 0 or seen > 0 or #remembered > 0 then stand = math.max(stand, seen) + GAP end
  unsettled = '1'
  redis.call('HSET', MARKS, 'epoch', epoch, 'run', run, 'stand', string.format('%.0f', stand), 'keys', keys, 'unsettled', 1)
  redis.call('DEL', P .. 'confirmed')
end
for name in pairs(changed) do enter_node(name, unpack(nodes[name])) end
for _, one in ipairs(cmsgpack.unpack(ARGV[7])) do
  local known = tonumber(redis.call('HGET', P .. 'bygone', one[1]) or -1)
  if one[2] > known then redis.call('HSET', P .. 'bygone', one[1], one[2]) end
end
return {epoch, stand, unsettled and 1 or 0, emptied and 1 or 0, members(), bygone(), redis.call('LRANGE', P .. 'epochs', 0, -1)}
