-- Hours of a window that are read from rollups, and whether their base is still there (frozen = 0).
SELECT toUnixTimestamp(c.hour) AS hour, toString(c.gen) AS gen, p.frozen AS frozen
FROM spanledger.clean_hours AS c
INNER JOIN (SELECT hour, gen, frozen FROM spanledger.rollup_pub FINAL WHERE base = {base:String}) AS p ON c.hour = p.hour AND c.gen = p.gen
WHERE c.base = {base:String} AND c.hour >= {since:DateTime64(6, 'UTC')} AND c.hour < {until:DateTime64(6, 'UTC')}
ORDER BY hour
