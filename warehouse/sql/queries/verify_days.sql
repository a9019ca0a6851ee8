-- Per day: what some rows of a rollup (daily ones, or the hourly ones that they should be the sum of) add up to.
SELECT toUnixTimestamp(e.day) AS hour_, count() AS groups, groupBitXor(sipHash64(e.first_hour, e.last_hour, $dims, $values)) AS fingerprint$sums
FROM
(
    SELECT toStartOfDay(h.hour) AS day, min(h.first_hour) AS first_hour, max(h.last_hour) AS last_hour, $named, $merged
    FROM spanledger.$table AS h
    WHERE h.hour >= toDateTime({rows_first:UInt32}, 'UTC') AND h.hour <= toDateTime({rows_last:UInt32}, 'UTC')
        AND (h.hour, h.gen) IN {rolled:Array(Tuple(DateTime('UTC'), UUID))}
    GROUP BY day, $keys
) AS e
GROUP BY hour_
