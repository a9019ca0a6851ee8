-- Spans whose redacted prompt or response holds all words (the text indexes answer), newest first, each with the entry that it tells,
-- or the first entry of its trace. Params: words (lower case), rows.
WITH found AS
(
    SELECT ts, trace_id, span_id, kind, prompt, response
    FROM spanledger.contents
    WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
        AND (hasAllTokens(prompt, {words:Array(String)}) OR hasAllTokens(response, {words:Array(String)}))
    ORDER BY ts DESC
    LIMIT {candidates:UInt32}
)
SELECT
    f.ts AS ts, lower(hex(f.trace_id)) AS trace_id, lower(hex(f.span_id)) AS matched_span_id, lower(hex(e.span_id)) AS span_id,
    f.kind AS kind, e.app_id AS app_id, e.team AS team, e.env AS env, e.model AS model, e.model_tier AS model_tier,
    e.provider AS provider, e.operation AS operation, e.prompt_id AS prompt_id, e.prompt_version AS prompt_version,
    e.outcome AS outcome, e.tokens_in AS tokens_in, e.tokens_out AS tokens_out, e.latency_ms AS latency_ms,
    e.cost_estimate_usd AS cost_usd, e.cost_source AS cost_source, e.usage_source AS usage_source,
    substringUTF8(f.prompt, greatest(1, toInt64(positionCaseInsensitiveUTF8(f.prompt, {first:String})) - 60), 200) AS prompt_excerpt,
    substringUTF8(f.response, greatest(1, toInt64(positionCaseInsensitiveUTF8(f.response, {first:String})) - 60), 200) AS response_excerpt
FROM found AS f
INNER JOIN
(
    SELECT
        ts, trace_id, span_id, members, app_id, team, env, model, model_tier, provider, operation, prompt_id, prompt_version, outcome, tokens_in,
        tokens_out, latency_ms, cost_estimate_usd, cost_source, usage_source
    FROM spanledger.calls AS e FINAL
    PREWHERE e.ts >= toStartOfHour({since:DateTime64(6, 'UTC')}) - INTERVAL 1 DAY
        AND e.ts < toStartOfHour({until:DateTime64(6, 'UTC')}) + INTERVAL 25 HOUR AND e.trace_id IN (SELECT trace_id FROM found)
    WHERE e.is_deleted = 0$where
    SETTINGS do_not_merge_across_partitions_select_final = 1
) AS e ON e.trace_id = f.trace_id
ORDER BY ts DESC, f.trace_id, f.span_id, (e.span_id = f.span_id OR has(e.members, f.span_id)) DESC, e.ts
LIMIT 1 BY f.trace_id, f.span_id
LIMIT {rows:UInt32}
