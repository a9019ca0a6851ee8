-- What detectors say of each release, as in quality. The source has one row per group and detector.
SELECT
    $names
    sumIf(s.risk_judged, s.detector = 'composite') AS scored,
    sumIf(s.judged + s.unjudged, s.detector = 'composite') AS answers,
    toFloat64(sumIf(s.risk_sum, s.detector = 'composite')) / nullIf(scored, 0) AS score_avg,
    sumIf(s.flagged, s.detector = 'composite') AS flagged,
    sumIf(s.judged, s.detector = 'schema') AS schema_checked,
    sumIf(s.flagged, s.detector = 'schema') AS schema_failures,
    toFloat64(sumIf(s.score_sum, s.detector = 'grounding')) / nullIf(sumIf(s.judged, s.detector = 'grounding'), 0) AS grounding_avg,
    sumIf(s.flagged, s.detector = 'contradiction') AS contradictions
FROM ($source) AS s
$group
