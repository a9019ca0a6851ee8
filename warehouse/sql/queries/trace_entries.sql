-- The entries of one trace with the spans that tell each, tombstones among them; ids as bytes, in no order: for a few rows, every expression
-- costs the engine more to plan than us to do. The trace is part of the sort key: it may be chosen before FINAL compares versions.
-- Nor does the sort key find a trace whose service nobody knows: asking it costs half a millisecond for every 10 M rows (use_primary_key).
-- $beside: as in trace_spans.
SELECT
    ts, span_id, entry_kind, app_id, team, operation, provider, model, model_requested, model_tier, billed, outcome, error_type,
    finish_reason, prompt_id, prompt_version, cache_hit, fallback, retry, tokens_in, tokens_cache_read, tokens_out, tokens_reasoning,
    usage_source, latency_ms, ttft_ms, cost_estimate_usd AS cost_usd, cost_source, price_id, members, is_deleted$beside
FROM spanledger.calls AS e FINAL
PREWHERE trace_id = toFixedString(unhex({trace:String}), 16)
$where
SETTINGS do_not_merge_across_partitions_select_final = 1, use_primary_key = 0
