-- What every script begins with: whether this is still the data, and the server, that the caller settled with.
local P = '{gw}'
local MARKS = P .. 'm'

-- Whether everything was lost and no copy has been put back: what is not there proves nothing. Known once `moved` has answered.
local emptied = false

-- A restarted server, a promoted replica and a copy moved elsewhere all answer with another run_id.
local function moved(epoch, seen)
  local found = redis.call('HMGET', MARKS, 'epoch', 'run', 'stand', 'emptied')
  emptied = found[4] and true or false
  if not found[1] or found[1] ~= epoch then return true end
  if found[2] ~= string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') then return true end
  return tonumber(found[3] or 0) < tonumber(seen)
end
