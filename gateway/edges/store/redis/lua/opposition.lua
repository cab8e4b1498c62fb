-- Oppositions that stand: family o, rows of (block, scope, advertiser, stream, door, at, since); what ended is kept in the file.
local function end_opposition(file, row, stand)
  if row[7] >= stand then return end
  local past = load(file) or {}
  past.O = past.O or {}
  row[8] = stand
  table.insert(past.O, row)
  save(file, past)
end

-- The earliest date counts, and its door with it.
function ops.oppose(one, stand)
  local place, file, new = one[2], one[3], one[4]
  local rows, kept = load(place) or {}, {}
  new[7] = stand
  for _, row in ipairs(rows) do
    if not same(row, new, 4) then
      table.insert(kept, row)
    elseif row[6] <= new[6] then
      new = row
    else
      end_opposition(file, row, stand)
    end
  end
  table.insert(kept, new)
  save(place, kept)
  if one[5] then redis.call('HSET', MARKS, 'foreign', string.format('%.0f', new[6])) end
end

function ops.lift(one, stand)
  local place, file, key, kept = one[2], one[3], one[4], {}
  for _, row in ipairs(load(place) or {}) do
    if same(row, key, 4) then
      end_opposition(file, row, stand)
    else
      table.insert(kept, row)
    end
  end
  save(place, kept)
end
