-- The single calls of a release, for statistics that need them; a uniform sample by trace when there are more than asked for.
SELECT e.ts AS ts, lower(hex(e.trace_id)) AS trace_id, lower(hex(e.span_id)) AS span_id, e.prompt_version AS prompt_version,
    e.model AS model, e.cost_estimate_usd AS cost_usd, e.latency_ms AS latency_ms, e.ttft_ms AS ttft_ms, e.outcome AS outcome,
    e.billed AS billed, e.cost_source AS cost_source, e.usage_source AS usage_source, e.tokens_in AS tokens_in,
    e.tokens_out AS tokens_out, e.safety AS safety, v.hallucination_score AS hallucination_score, v.flagged AS flagged
FROM
(
    SELECT * FROM spanledger.ledger AS e
    WHERE $within AND e.entry_kind != 'unattributed'$where
    ORDER BY cityHash64(e.trace_id, e.span_id)
    LIMIT {rows:UInt32}
) AS e
LEFT JOIN
(
    SELECT trace_id, span_id, argMax(hallucination_score, ver) AS hallucination_score, argMax(flagged, ver) AS flagged
    FROM spanledger.verdicts AS e
    WHERE e.detector = 'composite' AND $within
    GROUP BY trace_id, span_id
) AS v ON e.trace_id = v.trace_id AND e.span_id = v.span_id
ORDER BY ts, trace_id, span_id
