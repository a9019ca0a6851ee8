-- Detector results per group. The source has one row per group and detector.
SELECT
    $names
    sumIf(s.risk_judged, s.detector = 'composite') AS scored,
    sumIf(s.judged + s.unjudged, s.detector = 'composite') AS answers,
    toFloat64(sumIf(s.risk_sum, s.detector = 'composite')) / nullIf(scored, 0) AS score_avg,
    sumIf(s.flagged, s.detector = 'composite') AS flagged,
    flagged / nullIf(scored, 0) AS flagged_share,
    scored / nullIf(answers, 0) AS coverage,
    sumIf(s.judged, s.detector = 'schema') AS schema_checked,
    sumIf(s.flagged, s.detector = 'schema') AS schema_failures,
    schema_failures / nullIf(schema_checked, 0) AS schema_failure_rate,
    sumIf(s.judged, s.detector = 'grounding') AS grounding_scored,
    toFloat64(sumIf(s.score_sum, s.detector = 'grounding')) / nullIf(grounding_scored, 0) AS grounding_avg,
    sumIf(s.flagged, s.detector = 'grounding') AS grounding_flagged,
    sumIf(s.judged, s.detector = 'contradiction') AS contradiction_scored,
    sumIf(s.flagged, s.detector = 'contradiction') AS contradictions,
    contradictions / nullIf(contradiction_scored, 0) AS contradiction_rate
FROM ($source) AS s
$group
ORDER BY $order
