-- Per hour: what the rollup says. fingerprint: of every row, order-free.
SELECT toUnixTimestamp(e.hour) AS hour_, count() AS groups, groupBitXor(sipHash64($dims, $values)) AS fingerprint$sums
FROM spanledger.$table AS e
WHERE (e.hour, e.gen) IN
(
    SELECT hour, gen FROM spanledger.clean_hours
    WHERE base = '$base' AND hour IN {hours:Array(DateTime('UTC'))}
)
GROUP BY hour_
