-- Delete what rollup_garbage counts.
ALTER TABLE spanledger.$table DELETE
WHERE (hour, gen) NOT IN (SELECT hour, gen FROM spanledger.rollup_pub FINAL WHERE base = {base:String})
    AND hour IN (SELECT hour FROM spanledger.rollup_pub FINAL WHERE base = {base:String} AND seq < {before:UInt64})
SETTINGS mutations_sync = 1
