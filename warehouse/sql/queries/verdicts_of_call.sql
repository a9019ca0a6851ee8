-- Every detector's result for one call.
SELECT e.detector AS detector, e.detector_version AS detector_version, e.score AS score, e.hallucination_score AS hallucination_score,
    e.flagged AS flagged, e.label AS label, e.reason AS reason, e.coverage AS coverage, e.evidence AS evidence, e.scored_at AS scored_at
FROM spanledger.scores AS e FINAL
PREWHERE e.trace_id = toFixedString(unhex({trace:String}), 16) AND e.span_id = toFixedString(unhex({span:String}), 8)
WHERE e.reason != 'retired'$where
ORDER BY detector, scored_at DESC
SETTINGS do_not_merge_across_partitions_select_final = 1
