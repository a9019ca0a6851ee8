-- Releases (prompt versions, models) beside each other: how many calls, how dear, how fast, how they ended.
-- $beside: counts that a page does not draw, or nothing.
WITH (q, i) -> if(q.2 = 0, NULL, pow(1.02, q.1[i] - 0.5)) AS quantile_
SELECT
    $names
    toDateTime64(s.first_hour, 6, 'UTC') AS first_hour, toDateTime64(s.last_hour, 6, 'UTC') AS last_hour, s.calls AS calls,
    s.cost_usd AS cost_usd, cost_usd * 1000 / nullIf(calls, 0) AS cost_per_1000_usd,
    s.tokens_in / nullIf(calls, 0) AS tokens_in_avg, s.tokens_out / nullIf(calls, 0) AS tokens_out_avg,
    quantile_(s.latency_quantiles, 1) AS p50_ms, quantile_(s.latency_quantiles, 2) AS p90_ms, quantile_(s.latency_quantiles, 3) AS p99_ms,
    s.errors AS errors, s.timeouts AS timeouts, s.rate_limited AS rate_limited,
    s.billed_calls AS billed_calls, s.covered_calls AS covered_calls,
    $beside
    (errors + timeouts + rate_limited) / nullIf(calls, 0) AS failure_rate, s.safety AS safety
FROM ($source) AS s
ORDER BY last_hour DESC, calls DESC
