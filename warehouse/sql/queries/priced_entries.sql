-- Live entries of whole hours [since, until) with what prices and policy decide of them, and the spans that tell them.
-- Params: since, until DateTime64(6, 'UTC'), full hours. Ids in hexadecimal, money Decimal(18, 9).
SELECT project, service, toUnixTimestamp64Micro(ts) AS ts_us, lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span,
       arrayMap(id -> lower(hex(id)), members) AS members, ver, conflict, entry_kind, app_id, team, tenant_hash, env, provider, model, model_tier, billed,
       usage_source, tokens_in, tokens_cache_read, tokens_cache_write, tokens_out, tokens_reasoning, cost_source, price_id,
       cost_estimate_usd, cost_in_usd, cost_cache_read_usd, cost_cache_write_usd, cost_out_usd, cost_other_usd, cost_supplied_usd,
       attrs['owner'] AS owner, attrs['cost_centre'] AS cost_centre, attrs['set_aside'] AS set_aside
FROM calls FINAL
WHERE is_deleted = 0 AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
SETTINGS do_not_merge_across_partitions_select_final = 1
