-- Composite scores of some traces. Params: traces (hexadecimal).
SELECT lower(hex(e.trace_id)) AS trace_id, lower(hex(e.span_id)) AS span_id, argMax(e.hallucination_score, e.ver) AS hallucination_score
FROM spanledger.verdicts AS e
WHERE e.detector = 'composite' AND $within
    AND e.trace_id IN (SELECT arrayJoin(arrayMap(x -> toFixedString(unhex(x), 16), {traces:Array(String)})))
GROUP BY trace_id, span_id
