-- One command's answer, from data that are known and not what is left of them. ARGV: epoch, stand seen, the command.
if moved(ARGV[1], ARGV[2]) then return redis.error_reply('EPOCH') end
if emptied then return redis.error_reply('EMPTIED') end
return redis.call(unpack(ARGV, 3))
