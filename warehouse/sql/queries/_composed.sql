-- Whole clean hours of the window from a rollup, every other moment of it from the exact base. The list of clean hours is a scalar:
-- evaluated once, so that both halves agree on it.
WITH
    toDateTime64({since:DateTime64(6, 'UTC')}, 6, 'UTC') AS since_,
    toDateTime64({until:DateTime64(6, 'UTC')}, 6, 'UTC') AS until_,
    (
        SELECT groupArray((hour, gen))
        FROM spanledger.clean_hours
        WHERE base = '$base'
            AND hour >= {since:DateTime64(6, 'UTC')} AND hour + INTERVAL 1 HOUR <= {until:DateTime64(6, 'UTC')}
    ) AS clean_
SELECT $names $sums
FROM
(
    SELECT $by_hour $rolled
    FROM spanledger.$rollup AS e
    WHERE (e.hour, e.gen) IN (SELECT arrayJoin(clean_) AS pair)$where
    $group
    UNION ALL
    SELECT $by_ts $measured
    FROM spanledger.$live AS e
    WHERE e.ts >= since_ AND e.ts < until_ AND toStartOfHour(e.ts) NOT IN (SELECT arrayJoin(clean_).1)$where
    $group
) AS s
$group
