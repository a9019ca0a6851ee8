-- What is added up over entries: one line per measure, `expression AS name`. Every sum is of integers or decimals, so that it does not
-- depend on the order of rows, and adds up over hours (sumMap for the maps). A latency bucket b is (1.02^(b-1), 1.02^b] ms.
-- Switches of model are judged by pair of names, not row by row: patterns are compiled anew for each block of rows.
countIf(e.entry_kind != 'unattributed') AS calls
countIf(e.billed) AS billed_calls
countIf(e.outcome = 'error') AS errors
countIf(e.outcome = 'timeout') AS timeouts
countIf(e.outcome = 'rate_limited') AS rate_limited
countIf(e.outcome = 'filtered') AS filtered
countIf(e.outcome = 'cancelled') AS cancelled
countIf(e.cache_hit) AS cache_hits
countIf(e.fallback) AS fallbacks
arraySum((pair, n) -> if($switched, n, 0), arrayMap(k -> splitByChar('\n', k), mapKeys(sumMapIf(map(concat(e.model_requested, '\n', e.model), toUInt64(1)), e.model != e.model_requested))), mapValues(sumMapIf(map(concat(e.model_requested, '\n', e.model), toUInt64(1)), e.model != e.model_requested))) AS model_switches
countIf(e.retry > 0) AS retried_calls
sum(toUInt64(e.retry)) AS retries
countIf(e.stream) AS streamed
sum(toUInt64(e.safety)) AS safety
countIf(e.conflict > 0) AS conflicts
sum(toUInt64(e.tool_calls)) AS tool_calls
sum(toUInt64(e.tokens_in)) AS tokens_in
sum(toUInt64(e.tokens_cache_read)) AS tokens_cache_read
sum(toUInt64(e.tokens_cache_write)) AS tokens_cache_write
sum(toUInt64(e.tokens_cache_write_1h)) AS tokens_cache_write_1h
sum(toUInt64(e.tokens_out)) AS tokens_out
sum(toUInt64(e.tokens_reasoning)) AS tokens_reasoning
sum(toUInt64(e.tokens_audio_in)) AS tokens_audio_in
sum(toUInt64(e.tokens_audio_out)) AS tokens_audio_out
sum(toUInt64(e.images)) AS images
sumIf(toUInt64(e.tokens_in), e.cache_hit) AS hit_tokens_in
sumIf(toUInt64(e.tokens_out), e.cache_hit) AS hit_tokens_out
sum(e.cost_estimate_usd) AS cost_usd
sum(e.cost_in_usd) AS cost_in_usd
sum(e.cost_cache_read_usd) AS cost_cache_read_usd
sum(e.cost_cache_write_usd) AS cost_cache_write_usd
sum(e.cost_out_usd) AS cost_out_usd
sum(e.cost_other_usd) AS cost_other_usd
sum(coalesce(e.cost_supplied_usd, toDecimal64(0, 9))) AS cost_supplied_usd
sumIf(e.cost_estimate_usd, e.entry_kind = 'unattributed') AS cost_unattributed_usd
countIf(e.cost_supplied_usd IS NOT NULL AND abs(e.cost_supplied_usd - e.cost_estimate_usd) * 100 > e.cost_estimate_usd) AS cost_disputed
countIf(e.billed AND e.cost_source IN ('provider', 'supplied', 'computed')) AS priced_calls
countIf(e.billed AND e.cost_source IN ('provider', 'supplied', 'computed') AND e.usage_source IN ('reported', 'aggregate')) AS covered_calls
countIf(e.billed AND e.cost_source = 'partial') AS partial_calls
countIf(e.billed AND e.cost_source = 'unpriced') AS unpriced_calls
sumIf(toUInt64(e.tokens_in) + e.tokens_out, e.billed AND e.cost_source = 'unpriced') AS unpriced_tokens
countIf(e.billed AND e.usage_source = 'reported') AS usage_reported
countIf(e.billed AND e.usage_source = 'aggregate') AS usage_aggregate
countIf(e.billed AND e.usage_source = 'estimated') AS usage_estimated
countIf(e.billed AND e.usage_source = 'missing') AS usage_missing
countIf(e.sampling_ratio < 1) AS sampled_calls
sumIf($weight, e.entry_kind != 'unattributed') AS calls_scaled
sum(toDecimal128(e.cost_estimate_usd * toDecimal128($weight, 9), 9)) AS cost_scaled_usd
sumIf(toUInt64(round(greatest(e.latency_ms, 0) * 1000)), e.entry_kind != 'unattributed') AS latency_us
sumMapIf(map(toUInt16(ceil(log(greatest(e.latency_ms, 1)) / log(1.02))), toUInt64(1)), e.latency_ms > 0) AS latency
sumMapIf(map(toUInt16(ceil(log(greatest(assumeNotNull(e.ttft_ms), 1)) / log(1.02))), toUInt64(1)), e.ttft_ms > 0) AS ttft
sumMap(mapApply((k, v) -> (k, toDecimal128(if(abs(v) < 1e15, v, 0), 9)), e.biz_metric)) AS biz
