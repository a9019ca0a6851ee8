-- Rollup rows of generations that no reader may need any more: not published, or superseded before a moment (seq). Returns one number.
-- Rows of a day (of_hours above 1) go by the days' publications, others by the hours'; young ones may be about to be published.
SELECT count() AS garbage
FROM spanledger.$table
WHERE made_at < fromUnixTimestamp64Micro(toInt64({before:UInt64}), 'UTC') AND
(
    (
        of_hours = 1 AND hour IN (SELECT hour FROM spanledger.rollup_pub FINAL WHERE base = {base:String} AND seq < {before:UInt64})
        AND (hour, gen) NOT IN (SELECT hour, gen FROM spanledger.rollup_pub FINAL WHERE base = {base:String})
    ) OR (
        of_hours > 1 AND hour IN (SELECT hour FROM spanledger.rollup_days FINAL WHERE base = {base:String} AND seq < {before:UInt64})
        AND (hour, gen) NOT IN (SELECT hour, gen FROM spanledger.rollup_days FINAL WHERE base = {base:String})
    )
)
