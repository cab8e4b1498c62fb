-- Of one moment: every published list, every pause, every pause that ended. ARGV: epoch, stand seen.
if moved(ARGV[1], ARGV[2]) then return redis.error_reply('EPOCH') end
if emptied then return redis.error_reply('EMPTIED') end
return {
  redis.call('HVALS', P .. 'lists'), redis.call('HVALS', P .. 'pauses'), redis.call('LRANGE', P .. 'paused', 0, -1)
}
