-- Hours whose rollup can be computed again. Params: base.
SELECT toUnixTimestamp(hour) AS hour FROM spanledger.rollup_pub FINAL WHERE base = {base:String} AND frozen = 0
