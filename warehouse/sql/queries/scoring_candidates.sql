-- Answers that no composite covers yet: posted in (after, until], or whose trace got documents or tool outputs then. Newest calls first.
-- evidence_ver: the latest of entry and documents, microseconds; a composite of that ver or a later one has seen both.
-- Params: after, until (UInt64, microseconds), since, before (DateTime64: starts of the calls), traces (hexadecimal; empty: all),
-- rows (UInt32). Returns columns of the ledger, ids in hexadecimal.
WITH
    asked AS (SELECT arrayJoin(arrayMap(x -> toFixedString(unhex(x), 16), {traces:Array(String)})) AS trace_id),
    late AS
    (
        SELECT trace_id, max(batch) AS told
        FROM spanledger.spans
        WHERE batch > {after:UInt64} AND batch <= {until:UInt64} AND kind IN ('retriever', 'tool', 'rerank')
            AND ts >= {since:DateTime64(6, 'UTC')} - INTERVAL 1 DAY AND ts < {before:DateTime64(6, 'UTC')} + INTERVAL 1 DAY
        GROUP BY trace_id
    ),
    touched AS
    (
        SELECT trace_id FROM spanledger.calls
        WHERE ver > {after:UInt64} AND ver <= {until:UInt64}
            AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {before:DateTime64(6, 'UTC')}
        UNION DISTINCT
        SELECT trace_id FROM late
    ),
    seen AS
    (
        SELECT trace_id, span_id, max(ver) AS seen_ver
        FROM spanledger.scores
        WHERE detector = 'composite' AND reason != 'retired' AND trace_id IN (SELECT trace_id FROM touched)
            AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {before:DateTime64(6, 'UTC')}
        GROUP BY trace_id, span_id
    )
SELECT
    e.project AS project, e.service AS service, toUnixTimestamp64Micro(e.ts) AS ts_us, lower(hex(e.trace_id)) AS trace_id,
    lower(hex(e.span_id)) AS span_id, e.app_id AS app_id, e.team AS team, e.tenant_hash AS tenant_hash, e.user_hash AS user_hash,
    e.env AS env, e.route AS route, e.model AS model, e.model_tier AS model_tier, e.prompt_id AS prompt_id,
    e.prompt_version AS prompt_version, e.prompt_hash AS prompt_hash, e.context_hash AS context_hash, e.finish_reason AS finish_reason,
    e.tokens_out AS tokens_out, e.latency_ms AS latency_ms, e.fallback AS fallback, e.retry AS retry, e.safety AS safety,
    arrayMap(m -> lower(hex(m)), e.members) AS members, greatest(e.ver, l.told) AS evidence_ver
FROM spanledger.ledger AS e
LEFT JOIN late AS l ON l.trace_id = e.trace_id
LEFT JOIN seen AS s ON s.trace_id = e.trace_id AND s.span_id = e.span_id
WHERE e.ts >= {since:DateTime64(6, 'UTC')} AND e.ts < {before:DateTime64(6, 'UTC')}
    AND e.trace_id IN (SELECT trace_id FROM touched)
    AND (empty({traces:Array(String)}) OR e.trace_id IN (SELECT trace_id FROM asked))
    AND e.entry_kind = 'call' AND e.outcome = 'success' AND e.ver <= {until:UInt64}
    AND lower(e.operation) NOT IN ('embeddings', 'embedding', 'embed', 'rerank', 'image', 'image_generation', 'generate_images', 'audio', 'moderation')
    AND (e.response_hash != '' OR (e.tokens_out > 0 AND e.tool_calls = 0)) -- vectors and calls for tools are no answers
    AND s.seen_ver < evidence_ver
ORDER BY e.ts DESC, e.trace_id, e.span_id
LIMIT {rows:UInt32}
