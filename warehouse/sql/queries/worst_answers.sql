-- The riskiest answers of a window, with what made them so; conditions as in quality_objective. $among: only of some hours, or nothing.
SELECT
    e.ts AS ts, lower(hex(e.trace_id)) AS trace_id, lower(hex(e.span_id)) AS span_id, e.app_id AS app_id, e.team AS team, e.env AS env,
    e.route AS route, e.model AS model, e.model_tier AS model_tier, e.prompt_id AS prompt_id, e.prompt_version AS prompt_version,
    e.detector AS detector, e.score AS score, e.hallucination_score AS hallucination_score, e.flagged AS flagged, e.label AS label,
    e.reason AS reason, e.coverage AS coverage, e.evidence AS evidence
FROM spanledger.scores AS e FINAL
PREWHERE e.ts >= {h_since:DateTime64(6, 'UTC')} AND e.ts < {h_until:DateTime64(6, 'UTC')} AND e.detector = {detector:String}$among
WHERE identity(e.ts) >= {since:DateTime64(6, 'UTC')} AND identity(e.ts) < {until:DateTime64(6, 'UTC')} AND e.reason != 'retired'
    AND e.score IS NOT NULL$where
ORDER BY coalesce(e.hallucination_score, e.score) DESC, e.score DESC, e.ts DESC, e.trace_id, e.span_id
LIMIT {rows:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
