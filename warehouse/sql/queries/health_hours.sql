-- Hours of each base table by state.
SELECT m.base AS base, count() AS hours, countIf(m.is_open = 1 AND p.frozen = 0) AS open_hours,
    countIf(m.is_open = 0 AND p.token != m.token AND p.frozen = 0) AS dirty_hours, countIf(p.frozen = 1) AS frozen_hours,
    minIf(m.since, m.is_open = 0 AND p.token != m.token AND p.frozen = 0) AS dirty_since
FROM
(
    SELECT base, hour, sum(seq) AS token, max(is_open) AS is_open, fromUnixTimestamp64Micro(toInt64(max(seq)), 'UTC') AS since
    FROM spanledger.hour_marks FINAL GROUP BY base, hour
) AS m
LEFT JOIN (SELECT base, hour, token, frozen FROM spanledger.rollup_pub FINAL) AS p ON m.base = p.base AND m.hour = p.hour
GROUP BY base
ORDER BY base
