-- The entries of one trace in order of time, with the spans that tell each. The trace is part of the sort key: it may be chosen before
-- FINAL compares versions.
SELECT
    e.ts AS ts, lower(hex(e.span_id)) AS span_id, lower(hex(e.parent_span_id)) AS parent_span_id, e.entry_kind AS entry_kind,
    e.app_id AS app_id, e.team AS team, e.operation AS operation, e.provider AS provider, e.model AS model,
    e.model_requested AS model_requested, e.model_tier AS model_tier, e.response_id AS response_id, e.billed AS billed,
    e.outcome AS outcome, e.error_type AS error_type, e.finish_reason AS finish_reason,
    e.prompt_id AS prompt_id, e.prompt_version AS prompt_version, e.cache_hit AS cache_hit, e.fallback AS fallback, e.retry AS retry,
    e.tokens_in AS tokens_in, e.tokens_cache_read AS tokens_cache_read, e.tokens_cache_write AS tokens_cache_write,
    e.tokens_out AS tokens_out, e.tokens_reasoning AS tokens_reasoning, e.usage_source AS usage_source,
    e.latency_ms AS latency_ms, e.ttft_ms AS ttft_ms, e.cost_estimate_usd AS cost_usd, e.cost_source AS cost_source,
    e.price_id AS price_id, e.conflict AS conflict, e.safety AS safety,
    arrayMap(x -> lower(hex(x)), e.members) AS members
FROM spanledger.calls AS e FINAL
PREWHERE e.trace_id = toFixedString(unhex({trace:String}), 16)
WHERE e.is_deleted = 0$where
ORDER BY ts, span_id
SETTINGS do_not_merge_across_partitions_select_final = 1
