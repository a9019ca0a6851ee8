-- Hours left open by writers that have not said so again for long (they renew every ten minutes). Params: base, before (seq).
SELECT toUnixTimestamp(hour) AS hour, writer
FROM spanledger.hour_marks FINAL
WHERE base = {base:String} AND is_open = 1 AND seq < {before:UInt64}
