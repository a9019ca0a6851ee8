-- Per hour: what the rollup should say, computed from the exact base now.
SELECT toUnixTimestamp(e.hour) AS hour_, count() AS groups, groupBitXor(sipHash64($dims, $values)) AS fingerprint$sums
FROM
(
    SELECT toStartOfHour(e.ts) AS hour, $named, $measured
    FROM spanledger.$live AS e
    WHERE e.ts >= {since:DateTime64(6, 'UTC')} AND e.ts < {until:DateTime64(6, 'UTC')}
        AND toStartOfHour(e.ts) IN {hours:Array(DateTime('UTC'))}
    GROUP BY hour, $keys
) AS e
GROUP BY hour_
