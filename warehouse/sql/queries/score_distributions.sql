-- How a detector's scores are spread per app and route, before a moment and from it on: counts in 50 equal bins of [0, 1].
-- Only scores of the version in force: those of another are on another scale, not shifted. Params: since, middle, until (DateTime64), detector String.
WITH
(
    SELECT argMax(detector_version, scored_at) FROM spanledger.verdicts AS e
    WHERE e.detector = {detector:String} AND $within
) AS version
SELECT e.team AS team, e.app_id AS app_id, e.route AS route, toUInt8(least(49, floor(assumeNotNull(e.score) * 50))) AS bin,
    countIf(e.ts < {middle:DateTime64(6, 'UTC')}) AS before, countIf(e.ts >= {middle:DateTime64(6, 'UTC')}) AS now
FROM spanledger.verdicts AS e
WHERE e.detector = {detector:String} AND e.detector_version = version AND e.score IS NOT NULL AND $within
GROUP BY team, app_id, route, bin
ORDER BY team, app_id, route, bin
