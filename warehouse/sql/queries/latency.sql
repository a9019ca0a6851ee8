-- Latency and time to first token in ms, from histograms with 2 % buckets (quantiles within 1.1 %); mean exact to a microsecond.
WITH (h, p) -> if(length(h) = 0, NULL,
    pow(1.02, mapKeys(h)[arrayFirstIndex(x -> x >= p * arraySum(mapValues(h)), arrayCumSum(mapValues(h)))] - 0.5)) AS quantile_
SELECT
    $names
    calls,
    if(calls = 0, NULL, latency_us / 1000 / calls) AS mean_ms,
    quantile_(latency, 0.5) AS p50_ms, quantile_(latency, 0.9) AS p90_ms, quantile_(latency, 0.99) AS p99_ms,
    quantile_(ttft, 0.5) AS ttft_p50_ms, quantile_(ttft, 0.9) AS ttft_p90_ms, quantile_(ttft, 0.99) AS ttft_p99_ms
FROM ($source)
ORDER BY $order
