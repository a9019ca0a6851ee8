-- Releases (prompt versions, models) beside each other: how many calls, how dear, how fast, how they ended.
WITH (h, p) -> if(length(h) = 0, NULL,
    pow(1.02, mapKeys(h)[arrayFirstIndex(x -> x >= p * arraySum(mapValues(h)), arrayCumSum(mapValues(h)))] - 0.5)) AS quantile_
SELECT
    $names
    min(s.hour) AS first_hour, max(s.hour) AS last_hour, sum(s.calls) AS calls, sum(s.billed_calls) AS billed_calls,
    sum(s.cost_usd) AS cost_usd, cost_usd * 1000 / nullIf(calls, 0) AS cost_per_1000_usd,
    sum(s.tokens_in) / nullIf(calls, 0) AS tokens_in_avg, sum(s.tokens_out) / nullIf(calls, 0) AS tokens_out_avg,
    sumMap(s.latency) AS latency_, quantile_(latency_, 0.5) AS p50_ms, quantile_(latency_, 0.9) AS p90_ms,
    quantile_(latency_, 0.99) AS p99_ms,
    sum(s.errors) AS errors, sum(s.timeouts) AS timeouts, sum(s.rate_limited) AS rate_limited, sum(s.filtered) AS filtered,
    (errors + timeouts + rate_limited) / nullIf(calls, 0) AS failure_rate,
    sum(s.cache_hits) AS cache_hits, sum(s.fallbacks) AS fallbacks, sum(s.retries) AS retries, sum(s.safety) AS safety,
    sum(s.unpriced_calls) AS unpriced_calls, sum(s.usage_missing) AS usage_missing
FROM ($source) AS s
$group
ORDER BY last_hour DESC, calls DESC
