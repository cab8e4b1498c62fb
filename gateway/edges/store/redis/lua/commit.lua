-- One commit: state, outbox and journal together, or nothing.
-- ARGV: epoch, stand seen, fence, writer, its last number, its last hash, operations, entries, instant of a factual commit or ''.
if moved(ARGV[1], ARGV[2]) then return redis.error_reply('EPOCH') end

local operations = cmsgpack.unpack(ARGV[7])
if emptied then
  -- Taken is only what the nodes bring again once a copy is put back; and evidence, which stays.
  local kept = {
    oppose = true, lift = true, withdraw = true, forget = true, forget_withdrawn = true, tell = true,
    mark = true, settled = true, retire = true, begin_anew = true,
  }
  for _, one in ipairs(operations) do
    if not kept[one[1]] then return redis.error_reply('EMPTIED') end
  end
end

local fence = ARGV[3] ~= '' and cmsgpack.unpack(ARGV[3]) or nil
if fence then
  local held = redis.call('HGET', P .. 'leases', fence[1])
  if not held or cmsgpack.unpack(held)[2] ~= fence[2] then return redis.error_reply('OVERTAKEN') end
end

local writer, entries = ARGV[4], cmsgpack.unpack(ARGV[8])
if #entries > 0 then
  local head = redis.call('HGET', P .. 'heads', writer)
  local seq, hash = 0, string.rep('\0', 32)
  if head then seq, hash = unpack(cmsgpack.unpack(head)) end
  if seq ~= tonumber(ARGV[5]) or hash ~= ARGV[6] then return redis.error_reply('HEAD') end
end

local stand = 0
if ARGV[9] ~= '' then
  stand = redis.call('HINCRBY', MARKS, 'stand', 1)
  reach(stand, tonumber(ARGV[9]))
end

if stand > 0 then note_anew(operations, stand) end
for _, one in ipairs(operations) do
  local refused = ops[one[1]](one, stand)  -- only by `settled`, which is asked for alone: nothing was written before it
  if type(refused) == 'table' and refused.err then return refused end
end

local known = nil
for _, entry in ipairs(entries) do
  local seq, body, hash, person = unpack(entry)
  redis.call('XADD', P .. 'j:' .. writer, string.format('%d-0', seq), 'b', body, 'h', hash)
  if person then
    if not known then
      known = redis.call('HGET', P .. 'writers', writer)
      if not known then
        known = redis.call('HLEN', P .. 'writers') + 1
        redis.call('HSET', P .. 'writers', writer, known)
      end
    end
    local before = redis.call('HGET', person[1], person[2]) or ''
    redis.call('HSET', person[1], person[2], before .. struct.pack('>HI6', tonumber(known), seq))
  end
end
if #entries > 0 then
  local last = entries[#entries]
  redis.call('HSET', P .. 'heads', writer, cmsgpack.pack({last[1], last[3]}))
end
return stand
