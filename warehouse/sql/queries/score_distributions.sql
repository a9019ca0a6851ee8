-- How a detector's scores are spread per app and route, before a moment and from it on: counts in 50 equal bins of [0, 1].
-- Params: since, middle, until (DateTime64), detector String.
SELECT e.team AS team, e.app_id AS app_id, e.route AS route, toUInt8(least(49, floor(assumeNotNull(e.score) * 50))) AS bin,
    countIf(e.ts < {middle:DateTime64(6, 'UTC')}) AS before, countIf(e.ts >= {middle:DateTime64(6, 'UTC')}) AS now
FROM spanledger.verdicts AS e
WHERE e.detector = {detector:String} AND e.score IS NOT NULL AND e.ts >= {since:DateTime64(6, 'UTC')} AND e.ts < {until:DateTime64(6, 'UTC')}
GROUP BY team, app_id, route, bin
ORDER BY team, app_id, route, bin
