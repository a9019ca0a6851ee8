-- Latency and time to first token in ms, from histograms with 2 % buckets (quantiles within 1.1 %); mean exact to a microsecond.
WITH (q, i) -> if(q.2 = 0, NULL, pow(1.02, q.1[i] - 0.5)) AS quantile_
SELECT
    $names
    calls,
    if(calls = 0, NULL, latency_us / 1000 / calls) AS mean_ms,
    quantile_(latency_quantiles, 1) AS p50_ms, quantile_(latency_quantiles, 2) AS p90_ms, quantile_(latency_quantiles, 3) AS p99_ms,
    quantile_(ttft_quantiles, 1) AS ttft_p50_ms, quantile_(ttft_quantiles, 2) AS ttft_p90_ms, quantile_(ttft_quantiles, 3) AS ttft_p99_ms
FROM ($source)
ORDER BY $order
