-- Clean hours of a window, day by day, with the day's own generation where its rows stand for exactly these hours.
-- Params: base, since, until. Returns: day, hours (Unix seconds), gens, frozen: parallel, day_gen (empty: none).
SELECT toUnixTimestamp(c.day) AS day, c.hours AS hours, c.gens AS gens, c.frozen AS frozen, d.day_gen AS day_gen
FROM
(
    SELECT toStartOfDay(hour) AS day, groupArray(toUnixTimestamp(hour)) AS hours, groupArray(toString(gen)) AS gens,
        groupArray(frozen) AS frozen, groupBitXor(sipHash64(hour, gen)) AS pairs, toUInt8(count()) AS n
    FROM spanledger.clean_hours
    WHERE base = {base:String} AND hour >= {since:DateTime64(6, 'UTC')} AND hour + INTERVAL 1 HOUR <= {until:DateTime64(6, 'UTC')}
    GROUP BY day
) AS c
LEFT JOIN
(
    SELECT hour AS day, pairs, hours AS n, toString(gen) AS day_gen FROM spanledger.rollup_days FINAL WHERE base = {base:String}
) AS d ON c.day = d.day AND c.pairs = d.pairs AND c.n = d.n
ORDER BY day
