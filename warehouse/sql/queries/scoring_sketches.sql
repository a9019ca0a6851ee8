-- Keyed sketches of answers to the same prompts whose text was never stored, at most `most` of each prompt, latest first.
-- Params: prompts Array(String), since, until (DateTime64), most (UInt8). Returns group columns, ids in hexadecimal, sketch (base64).
SELECT
    e.project AS project, e.app_id AS app_id, e.model AS model, e.prompt_hash AS prompt_hash, e.context_hash AS context_hash,
    lower(hex(e.trace_id)) AS trace_id, lower(hex(e.span_id)) AS span_id, toUnixTimestamp64Micro(e.ts) AS ts_us,
    JSONExtractString(v.evidence, 'sketch') AS sketch
FROM spanledger.ledger AS e
INNER JOIN spanledger.verdicts AS v ON v.trace_id = e.trace_id AND v.span_id = e.span_id
WHERE e.prompt_hash IN {prompts:Array(String)} AND e.ts >= {since:DateTime64(6, 'UTC')} AND e.ts < {until:DateTime64(6, 'UTC')}
    AND v.detector = 'contradiction' AND v.ts >= {since:DateTime64(6, 'UTC')} AND v.ts < {until:DateTime64(6, 'UTC')} AND sketch != ''
ORDER BY e.ts DESC, trace_id, span_id
LIMIT {most:UInt8} BY project, app_id, model, prompt_hash, context_hash, toDate(e.ts)
