-- Days whose hours are all clean but whose own rows stand for other hours (or are not there), newest first. Params: base, rows.
SELECT toUnixTimestamp(c.day) AS day, c.hours AS hours, c.gens AS gens, c.pairs AS pairs
FROM
(
    SELECT toStartOfDay(hour) AS day, groupArray(toUnixTimestamp(hour)) AS hours, groupArray(toString(gen)) AS gens,
        groupBitXor(sipHash64(hour, gen)) AS pairs
    FROM spanledger.clean_hours
    WHERE base = {base:String}
    GROUP BY day
    HAVING count() > 1
) AS c
LEFT JOIN (SELECT hour AS day, pairs FROM spanledger.rollup_days FINAL WHERE base = {base:String}) AS d ON c.day = d.day
WHERE c.pairs != d.pairs AND c.day NOT IN
(
    SELECT toStartOfDay(m.hour)
    FROM
    (
        SELECT hour, sum(seq) AS token, max(is_open) AS is_open FROM spanledger.hour_marks FINAL WHERE base = {base:String} GROUP BY hour
    ) AS m
    LEFT JOIN (SELECT hour, token, frozen FROM spanledger.rollup_pub FINAL WHERE base = {base:String}) AS p ON m.hour = p.hour
    WHERE p.frozen = 0 AND (m.is_open = 1 OR m.token != p.token)
)
ORDER BY day DESC
LIMIT {rows:UInt32}
