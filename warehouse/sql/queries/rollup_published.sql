-- Hours whose rollup can be computed again: not frozen, and no older than what the base holds. Params: base.
SELECT toUnixTimestamp(hour) AS hour
FROM spanledger.rollup_pub FINAL
WHERE base = {base:String} AND frozen = 0 AND hour >= (SELECT toStartOfHour(min(ts)) FROM spanledger.$table)
