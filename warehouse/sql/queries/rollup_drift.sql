-- Hours whose base is not what marks and publications say: never marked, or changed since (more or less than was rolled up).
SELECT toUnixTimestamp(b.hour) AS hour
FROM
(
    SELECT toStartOfHour(ts) AS hour, max(ver) AS thru
    FROM spanledger.$table
    GROUP BY hour
) AS b
LEFT JOIN (SELECT hour, thru, frozen, token FROM spanledger.rollup_pub FINAL WHERE base = {base:String}) AS p ON b.hour = p.hour
LEFT JOIN
(
    SELECT hour, sum(seq) AS token, max(is_open) AS is_open FROM spanledger.hour_marks FINAL WHERE base = {base:String} GROUP BY hour
) AS m ON b.hour = m.hour
WHERE p.frozen = 0 AND m.is_open = 0 AND (m.token = 0 OR (p.token = m.token AND p.thru != b.thru))
