-- Delete what rollup_garbage counts.
ALTER TABLE spanledger.$table DELETE
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
SETTINGS mutations_sync = 1, allow_nondeterministic_mutations = 1
