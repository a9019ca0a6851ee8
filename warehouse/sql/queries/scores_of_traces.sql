-- Composite scores of some traces. Params: traces (hexadecimal).
SELECT lower(hex(e.trace_id)) AS trace_id, lower(hex(e.span_id)) AS span_id, argMax(e.hallucination_score, e.ver) AS hallucination_score
FROM spanledger.scores AS e FINAL
PREWHERE e.detector = 'composite' AND $within_hours
    AND e.trace_id IN (SELECT arrayJoin(arrayMap(x -> toFixedString(unhex(x), 16), {traces:Array(String)})))
WHERE e.reason != 'retired' AND $within_moments
GROUP BY trace_id, span_id
SETTINGS do_not_merge_across_partitions_select_final = 1
