-- What verification compares of every live entry that starts in [since, until).
-- Params: since, until DateTime64(6, 'UTC'). Ids in hexadecimal, money as billionths of a dollar.
SELECT project, service, toUnixTimestamp64Micro(ts) AS ts_us, lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span,
       entry_kind, app_id, team, provider, model, billed, usage_source, cost_source, tokens_in, tokens_cache_read, tokens_cache_write, tokens_out, tokens_reasoning,
       toInt64(cost_estimate_usd * 1000000000) AS cost_nano
FROM calls FINAL
WHERE is_deleted = 0 AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
SETTINGS do_not_merge_across_partitions_select_final = 1
