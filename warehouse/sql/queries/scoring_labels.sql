-- Grounding scores with what people said of the same answers, for calibration per route. Params: since, until (DateTime64), rows (UInt32).
-- A label is feedback of kind `label` without a name, or of kind or name `hallucination` (value above 0: it was one), or of kind or name
-- `grounded` (value above 0: it was not); the latest counts. Only scores of the version in force: a map made of another's would not fit.
WITH
(
    SELECT argMax(detector_version, scored_at) FROM spanledger.verdicts
    WHERE detector = 'grounding' AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
) AS version
SELECT s.app_id AS app_id, s.route AS route, s.score AS score, argMax(f.said, f.at) AS hallucinated, s.evidence AS evidence
FROM
(
    SELECT app_id, route, trace_id, span_id, assumeNotNull(score) AS score, evidence
    FROM spanledger.verdicts
    WHERE detector = 'grounding' AND detector_version = version AND score IS NOT NULL AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
) AS s
INNER JOIN
(
    SELECT trace_id, span_id, at, if(kind = 'grounded' OR name = 'grounded', value <= 0, value > 0) AS said
    FROM spanledger.feedback FINAL
    WHERE (kind IN ('hallucination', 'grounded') OR name IN ('hallucination', 'grounded') OR (kind = 'label' AND name IN ('', 'grounding'))) AND ts >= {since:DateTime64(6, 'UTC')}
) AS f ON f.trace_id = s.trace_id
WHERE f.span_id = s.span_id OR f.span_id = toFixedString('', 8)
GROUP BY s.app_id, s.route, s.score, s.trace_id, s.span_id, s.evidence
LIMIT {rows:UInt32}
