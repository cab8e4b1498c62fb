-- What most commits do not ask for is made when one does: making a function costs as much as asking for a row.
local rest
setmetatable(ops, {
  __index = function(_, name)
    if not rest then return nil end
    local make = rest
    rest = nil
    make()
    return rawget(ops, name)
  end,
})
