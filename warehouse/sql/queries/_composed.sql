-- Whole clean hours of the window from a rollup, every other moment of it from the exact base. The list of clean hours is a scalar:
-- evaluated once, so that both halves agree on it. The base is asked for what lies before the first clean hour, after the last, and in
-- the gaps between them: conditions that the engine can skip data by, unlike NOT IN.
WITH
    toDateTime64({since:DateTime64(6, 'UTC')}, 6, 'UTC') AS since_,
    toDateTime64({until:DateTime64(6, 'UTC')}, 6, 'UTC') AS until_,
    (
        SELECT arraySort(groupArray((hour, gen)))
        FROM spanledger.clean_hours
        WHERE base = '$base'
            AND hour >= {since:DateTime64(6, 'UTC')} AND hour + INTERVAL 1 HOUR <= {until:DateTime64(6, 'UTC')}
    ) AS clean_,
    arrayMap(x -> toUnixTimestamp(x.1), clean_) AS hours_,
    if(empty(hours_), until_, toDateTime64(hours_[1], 6, 'UTC')) AS first_,
    if(empty(hours_), until_, toDateTime64(hours_[-1] + 3600, 6, 'UTC')) AS last_,
    arrayFlatten(arrayMap(
        (a, b) -> arrayMap(i -> toDateTime(a + 3600 * i, 'UTC'), range(1, intDiv(b - a, 3600))),
        arrayPopBack(hours_), arrayPopFront(hours_))) AS gaps_
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
    WHERE e.ts >= since_ AND e.ts < until_
        AND (e.ts < first_ OR e.ts >= last_ OR toStartOfHour(e.ts) IN (SELECT arrayJoin(gaps_)))$where
    $group
) AS s
$group
