-- ARGV: buckets: the fields and values in turn of each, whoever asks.
local found = {}
for at = 1, #ARGV do found[at] = redis.call('HGETALL', ARGV[at]) end
return found
