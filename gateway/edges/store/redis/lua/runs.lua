-- {gw}runs:NAME holds which machine runs a gateway under that name, for some seconds after it was last heard of.

-- Whether no other machine runs under it. A machine that cannot tell itself from others is believed.
local function alone(node, machine)
  local heard = redis.call('GET', P .. 'runs:' .. node)
  return machine == '' or not heard or heard == machine
end

local function runs(node, machine, lasts)
  local key = P .. 'runs:' .. node
  if machine == '' or redis.call('PTTL', key) > lasts * 2 / 3 then return end
  redis.call('SET', key, machine, 'PX', lasts)
end
