-- Entries, newest first, before a cursor. Params: since, until, before_ts/before_trace/before_span (exclusive), rows.
SELECT
    e.ts AS ts, lower(hex(e.trace_id)) AS trace_id, lower(hex(e.span_id)) AS span_id, e.project AS project, e.service AS service,
    e.app_id AS app_id, e.team AS team, e.tenant_hash AS tenant_hash, e.env AS env, e.route AS route, e.endpoint AS endpoint,
    e.operation AS operation, e.provider AS provider, e.model AS model, e.model_requested AS model_requested,
    e.model_tier AS model_tier, e.prompt_id AS prompt_id, e.prompt_version AS prompt_version, e.prompt_hash AS prompt_hash,
    e.user_hash AS user_hash, e.session_hash AS session_hash, e.entry_kind AS entry_kind, e.billed AS billed, e.outcome AS outcome,
    e.error_type AS error_type, e.finish_reason AS finish_reason, e.cache_hit AS cache_hit, e.fallback AS fallback, e.retry AS retry,
    e.tokens_in AS tokens_in, e.tokens_cache_read AS tokens_cache_read, e.tokens_out AS tokens_out,
    e.tokens_reasoning AS tokens_reasoning, e.usage_source AS usage_source, e.latency_ms AS latency_ms, e.ttft_ms AS ttft_ms,
    e.cost_estimate_usd AS cost_usd, e.cost_source AS cost_source, e.safety AS safety, e.tool_calls AS tool_calls
FROM spanledger.calls AS e FINAL
PREWHERE $within_hours
WHERE e.is_deleted = 0 AND $within_moments
    AND (identity(e.ts), e.trace_id, e.span_id) < (
        toDateTime64({before_ts:DateTime64(6, 'UTC')}, 6, 'UTC'),
        toFixedString(unhex({before_trace:String}), 16), toFixedString(unhex({before_span:String}), 8))$where
ORDER BY e.ts DESC, e.trace_id DESC, e.span_id DESC
LIMIT {rows:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
