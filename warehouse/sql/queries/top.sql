-- The dearest groups.
SELECT $names calls, billed_calls, tokens_in, tokens_out, cost_usd, errors, cache_hits,
    cost_usd / nullIf(calls, 0) AS cost_per_call_usd
FROM ($source)
ORDER BY cost_usd DESC, calls DESC
LIMIT {rows:UInt32}
