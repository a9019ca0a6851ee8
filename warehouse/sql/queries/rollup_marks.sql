-- A writer's latest marks. Params: base, writer.
SELECT toUnixTimestamp(hour) AS hour, seq, is_open
FROM spanledger.hour_marks FINAL
WHERE base = {base:String} AND writer = {writer:String}
