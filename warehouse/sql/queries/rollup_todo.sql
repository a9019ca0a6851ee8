-- Hours that no writer has open and whose published rollup (if any) is of another token, newest first. Params: base, rows.
SELECT toUnixTimestamp(m.hour) AS hour, m.token AS token
FROM
(
    SELECT hour, sum(seq) AS token, max(is_open) AS is_open
    FROM spanledger.hour_marks FINAL
    WHERE base = {base:String}
    GROUP BY hour
) AS m
LEFT JOIN (SELECT hour, token, frozen FROM spanledger.rollup_pub FINAL WHERE base = {base:String}) AS p ON m.hour = p.hour
WHERE m.is_open = 0 AND p.frozen = 0 AND p.token != m.token
ORDER BY hour DESC
LIMIT {rows:UInt32}
