-- Which rows of a window are riskier than the floor (risk, then score), the riskiest first, superseded versions among them: without FINAL, and
-- everything but the risk is read only of these. No PREWHERE: who may see some teams only may not say it over values.
-- Params: as worst_answers; floor_risk, floor_score (bits of a Float32), rows.
SELECT
    coalesce(e.hallucination_score, e.score) AS risk, e.score AS score, toUnixTimestamp64Micro(e.ts) AS at, lower(hex(e.trace_id)) AS trace_id,
    lower(hex(e.span_id)) AS span_id
FROM spanledger.scores AS e
WHERE coalesce(e.hallucination_score, e.score) >= reinterpretAsFloat32({floor_risk:UInt32})
    AND (coalesce(e.hallucination_score, e.score) > reinterpretAsFloat32({floor_risk:UInt32}) OR e.score > reinterpretAsFloat32({floor_score:UInt32}))
    AND e.detector = {detector:String}
    AND e.ts >= {since:DateTime64(6, 'UTC')} AND e.ts < {until:DateTime64(6, 'UTC')} AND e.reason != 'retired' AND e.score IS NOT NULL$where
ORDER BY risk DESC, score DESC, at DESC, trace_id, span_id
LIMIT {rows:UInt32}
