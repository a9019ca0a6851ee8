-- Journal and ledger of a database by day, exact. newest: the last batch or posting that wrote into the day.
SELECT 'calls' AS base, toDate(ts) AS day, countIf(is_deleted = 0) AS rows, sumIf(cost_estimate_usd, is_deleted = 0) AS cost_usd,
    groupBitXor(cityHash64(trace_id, span_id, ver)) AS fingerprint, max(ver) AS newest
FROM $database.calls FINAL
GROUP BY day
UNION ALL
SELECT 'spans', toDate(ts) AS day, count(), 0, groupBitXor(cityHash64(trace_id, span_id, ver)), max(batch)
FROM $database.spans FINAL
GROUP BY day
