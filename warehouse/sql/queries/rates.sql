-- How calls ended, as counts and shares of calls, and what caches saved. The source has one row per group, provider and model:
-- a hit's saving is its tokens at what that model's other calls of the window paid per token; a cached input token's is the
-- difference to an uncached one.
SELECT
    $names
    sum(s.calls) AS calls,
    sum(s.errors) AS errors, sum(s.timeouts) AS timeouts, sum(s.rate_limited) AS rate_limited, sum(s.filtered) AS filtered,
    sum(s.cancelled) AS cancelled, sum(s.cache_hits) AS cache_hits, sum(s.fallbacks) AS fallbacks,
    sum(s.model_switches) AS model_switches, sum(s.retried_calls) AS retried_calls, sum(s.retries) AS retries,
    sum(s.safety) AS safety,
    errors / nullIf(calls, 0) AS error_rate, timeouts / nullIf(calls, 0) AS timeout_rate,
    rate_limited / nullIf(calls, 0) AS rate_limited_rate, filtered / nullIf(calls, 0) AS filtered_rate,
    (errors + timeouts + rate_limited) / nullIf(calls, 0) AS failure_rate,
    cache_hits / nullIf(calls, 0) AS cache_hit_rate, fallbacks / nullIf(calls, 0) AS fallback_rate,
    model_switches / nullIf(calls, 0) AS model_switch_rate, retried_calls / nullIf(calls, 0) AS retry_rate,
    sum(s.tokens_cache_read) / nullIf(sum(s.tokens_in), 0) AS prompt_cache_rate,
    toDecimal128(sum(
        s.hit_tokens_in * ifNull(toFloat64(s.cost_in_usd + s.cost_cache_read_usd + s.cost_cache_write_usd)
            / nullIf(s.tokens_in - s.hit_tokens_in, 0), 0)
        + s.hit_tokens_out * ifNull(toFloat64(s.cost_out_usd) / nullIf(s.tokens_out - s.hit_tokens_out, 0), 0)
    ), 9) AS cache_saved_usd,
    toDecimal128(sum(
        s.tokens_cache_read * ifNull(toFloat64(s.cost_in_usd)
            / nullIf(toInt64(s.tokens_in) - s.tokens_cache_read - s.tokens_cache_write - s.hit_tokens_in, 0), 0)
        - if(s.cost_in_usd > 0, toFloat64(s.cost_cache_read_usd), 0)
    ), 9) AS prompt_cache_saved_usd
FROM ($source) AS s
$group
ORDER BY $order
