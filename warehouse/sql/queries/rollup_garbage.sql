-- Rollup rows of generations that no reader may need any more: superseded before a moment (seq). Returns one number.
SELECT count() AS garbage
FROM spanledger.$table
WHERE (hour, gen) NOT IN (SELECT hour, gen FROM spanledger.rollup_pub FINAL WHERE base = {base:String})
    AND hour IN (SELECT hour FROM spanledger.rollup_pub FINAL WHERE base = {base:String} AND seq < {before:UInt64})
